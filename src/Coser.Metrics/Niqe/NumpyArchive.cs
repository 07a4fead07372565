using System.Buffers.Binary;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;

namespace Coser.Metrics.Niqe;

/// <summary>Arrays of doubles in NumPy's .npz (format versions 1 to 3).</summary>
internal static partial class NumpyArchive
{
    private const int MaxValues = 1 << 20;

    /// <summary>Values by name, row by row.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or an array is no array of doubles.</exception>
    public static IReadOnlyDictionary<string, double[]> Read(byte[] archive)
    {
        var arrays = new Dictionary<string, double[]>(StringComparer.Ordinal);
        using var zip = new ZipArchive(new MemoryStream(archive), ZipArchiveMode.Read);
        foreach (ZipArchiveEntry entry in zip.Entries.Where(e => e.Name.EndsWith(".npy", StringComparison.Ordinal)))
        {
            if (entry.Length > MaxValues * 8L + 4096)
                throw new InvalidDataException($"{entry.Name} is larger than any prior");
            using Stream stream = entry.Open();
            using var bytes = new MemoryStream();
            stream.CopyTo(bytes);
            arrays[entry.Name[..^4]] = ReadArray(bytes.ToArray(), entry.Name);
        }
        return arrays;
    }

    private static double[] ReadArray(ReadOnlySpan<byte> data, string name)
    {
        if (data.Length < 12 || data[0] != 0x93 || !data[1..].StartsWith("NUMPY"u8))
            throw new InvalidDataException($"{name} is not a NumPy array");
        int start = data[6] == 1 ? 10 : 12;
        long length =
            data[6] == 1
                ? BinaryPrimitives.ReadUInt16LittleEndian(data[8..])
                : BinaryPrimitives.ReadUInt32LittleEndian(data[8..]);
        if (start + length > data.Length)
            throw new InvalidDataException($"{name} is cut off");
        string header = Encoding.ASCII.GetString(data.Slice(start, (int)length));
        int[] shape =
        [
            .. Numbers()
                .Matches(Shape().Match(header).Groups["sizes"].Value)
                .Select(m => int.Parse(m.Value, CultureInfo.InvariantCulture)),
        ];
        long count = shape.Aggregate(1L, (a, b) => checked(a * b));
        ReadOnlySpan<byte> body = data[(start + (int)length)..];
        if (!header.Contains("'<f8'", StringComparison.Ordinal) || count > MaxValues || body.Length != count * 8)
            throw new InvalidDataException($"{name} is not an array of little-endian doubles");
        var values = new double[count];
        bool byColumns = header.Contains("'fortran_order': True", StringComparison.Ordinal) && shape.Length == 2;
        for (int i = 0; i < count; i++)
        {
            int at = byColumns ? i % shape[0] * shape[1] + i / shape[0] : i;
            values[at] = BinaryPrimitives.ReadDoubleLittleEndian(body[(i * 8)..]);
        }
        return values;
    }

    [GeneratedRegex(@"'shape':\s*\((?<sizes>[^)]*)\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Shape();

    [GeneratedRegex(@"\d{1,9}", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Numbers();
}
