using System.IO.Compression;
using System.Text;
using Coser.Checkpoints;
using static TorchSharp.torch;

namespace Coser.Tests.Checkpoints;

/// <summary>Writes what <c>torch.save({"state_dict": ...})</c> writes: a zip with a pickle and a storage a tensor.</summary>
internal static class PyTorchZipWriter
{
    public static string Write(string path, IReadOnlyDictionary<string, Tensor> tensors) =>
        Write(
            path,
            [
                .. tensors.Select(t => new PendingTensor(
                    t.Key,
                    ElementType.Of(t.Value.dtype),
                    t.Value.shape,
                    () => t.Value.alias()
                )),
            ]
        );

    /// <summary>The same with one tensor at a time in memory; the file may pass 4 GiB.</summary>
    public static string Write(string path, IReadOnlyList<PendingTensor> tensors)
    {
        using var zip = new ZipArchive(File.Create(path), ZipArchiveMode.Create);
        Add(zip, "data.pkl", Pickle(tensors));
        foreach ((int i, PendingTensor pending) in tensors.Index())
        {
            using var scope = NewDisposeScope();
            Tensor dense = pending.Make().detach().contiguous().flatten();
            Add(zip, $"data/{i}", dense.bytes);
        }
        Add(zip, "version", "3\n"u8);
        return path;
    }

    private static void Add(ZipArchive zip, string name, ReadOnlySpan<byte> content)
    {
        using Stream entry = zip.CreateEntry("archive/" + name, CompressionLevel.NoCompression).Open();
        entry.Write(content);
    }

    private static byte[] Pickle(IReadOnlyList<PendingTensor> tensors)
    {
        using var stream = new MemoryStream();
        using var pickle = new BinaryWriter(stream);
        pickle.Write((byte[])[0x80, 2]);
        pickle.Write("}("u8); // a dictionary, its items
        Text("state_dict");
        pickle.Write("}("u8);
        foreach ((int i, PendingTensor tensor) in tensors.Index())
        {
            Text(tensor.Name);
            Global("torch._utils _rebuild_tensor_v2");
            pickle.Write("(("u8);
            Text("storage");
            Global(
                "torch "
                    + tensor.DType.Torch switch
                    {
                        ScalarType.Float32 => "FloatStorage",
                        ScalarType.Float16 => "HalfStorage",
                        ScalarType.BFloat16 => "BFloat16Storage",
                        ScalarType.Int64 => "LongStorage",
                        _ => throw new NotSupportedException($"{tensor.DType}"),
                    }
            );
            Text($"{i}");
            Text("cpu");
            Number(tensor.Shape.Aggregate(1L, (a, b) => a * b));
            pickle.Write("tQ"u8);
            Number(0);
            Numbers(tensor.Shape);
            Numbers([.. tensor.Shape.Select((_, d) => tensor.Shape.Skip(d + 1).Aggregate(1L, (a, b) => a * b))]);
            pickle.Write((byte)0x89); // False
            Global("collections OrderedDict");
            pickle.Write(")RtR"u8);
        }
        pickle.Write("uu."u8);
        pickle.Flush();
        return stream.ToArray();

        void Text(string text)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            pickle.Write((byte)'X');
            pickle.Write(bytes.Length);
            pickle.Write(bytes);
        }

        void Global(string name) => pickle.Write(Encoding.ASCII.GetBytes($"c{name.Replace(' ', '\n')}\n"));

        void Number(long number)
        {
            pickle.Write((byte)'J');
            pickle.Write(checked((int)number));
        }

        void Numbers(IEnumerable<long> numbers)
        {
            pickle.Write((byte)'(');
            foreach (long number in numbers)
                Number(number);
            pickle.Write((byte)'t');
        }
    }
}
