using System.Buffers.Binary;
using System.Text;
using Coser.Checkpoints.PyTorch;

namespace Coser.Checkpoints;

/// <summary>Opens checkpoint files of every known format; the content decides, not the extension.</summary>
public static class CheckpointFile
{
    private const int TarMarkOffset = 257;

    /// <summary>Maps the file and reads its list of tensors.</summary>
    /// <param name="wrapper">
    /// Which dictionary of a PyTorch file holds the weights; by default the first of <c>state_dict</c>, <c>params_ema</c>,
    /// <c>params</c>, <c>model_state_dict</c>, <c>model</c> when the top level holds no tensor itself.
    /// </param>
    /// <exception cref="CheckpointException">The file is missing, damaged, hostile or of an unknown format.</exception>
    public static ICheckpoint Open(string path, string? wrapper = null)
    {
        MappedFile map = MappedFile.Open(path);
        try
        {
            return Open(map, wrapper);
        }
        catch
        {
            map.Release();
            throw;
        }
    }

    private static ICheckpoint Open(MappedFile map, string? wrapper)
    {
        ReadOnlySpan<byte> start = map.Bytes(0, (int)Math.Min(map.Length, 512));
        if (start.Length == 0)
            throw new CheckpointException(map.Path, "it is empty");
        if (start.Length > 8 && start[8] == '{' && BinaryPrimitives.ReadUInt64LittleEndian(start) <= (ulong)map.Length)
            return SafetensorsFile.Open(map);
        if (start.StartsWith("PK\x03\x04"u8))
            return PyTorchZip.Open(map, wrapper);
        if (start.Length >= 2 && start[0] == 0x80 && start[1] is >= 1 and <= 5)
            return PyTorchLegacy.Open(map, wrapper);
        if (map.Path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase) && !LooksLikeText(start))
            return SafetensorsFile.Open(map);
        throw new CheckpointException(map.Path, Explain(start));
    }

    private static string Explain(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith("GGUF"u8))
            return "it is a GGUF file; only safetensors and PyTorch files are read";
        if (start.StartsWith("version https://git-lfs"u8))
            return "it is a Git LFS pointer, not the file itself; fetch the file with 'git lfs pull'";
        if (start.Length > TarMarkOffset + 5 && start[TarMarkOffset..].StartsWith("ustar"u8))
            return "it is a tar file of PyTorch before 0.1.10; load and save it with a newer PyTorch";
        if (
            LooksLikeText(start)
            && Encoding.ASCII.GetString(start).Contains("<html", StringComparison.OrdinalIgnoreCase)
        )
            return "it is a web page, not a checkpoint; the download went wrong";
        return "it is neither a safetensors nor a PyTorch file";
    }

    private static bool LooksLikeText(ReadOnlySpan<byte> start) => !start.ContainsAnyExceptInRange((byte)9, (byte)126);
}
