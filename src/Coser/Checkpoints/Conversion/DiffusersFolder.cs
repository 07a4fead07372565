namespace Coser.Checkpoints.Conversion;

/// <summary>A Stable Diffusion model as diffusers stores it: a folder a part.</summary>
public static class DiffusersFolder
{
    // diffusers' own preference, full precision first.
    private static readonly string[] Names =
    [
        "diffusion_pytorch_model.safetensors",
        "model.safetensors",
        "diffusion_pytorch_model.fp16.safetensors",
        "model.fp16.safetensors",
        "diffusion_pytorch_model.bin",
        "pytorch_model.bin",
        "diffusion_pytorch_model.fp16.bin",
        "pytorch_model.fp16.bin",
    ];

    private static readonly string[] Parts = ["unet", "vae", "text_encoder"];

    /// <summary>Folder of the vocabulary in it.</summary>
    internal static string Tokenizer(string folder) => Path.Combine(folder, "tokenizer");

    /// <summary>The weight files of the parts that are there; empty when it is no such folder.</summary>
    public static IReadOnlyList<string> Files(string folder) =>
        [.. Parts.Select(p => Find(folder, p)).OfType<string>()];

    /// <summary>The weight files of all three parts.</summary>
    /// <exception cref="CheckpointException">Some part is missing.</exception>
    internal static IReadOnlyList<string> AllFiles(string folder)
    {
        string[] missing = [.. Parts.Where(p => Find(folder, p) is null)];
        return missing.Length == 0
            ? Files(folder)
            : throw new CheckpointException(
                folder,
                $"a diffusers folder has weights in {string.Join(", ", Parts)}; here {string.Join(" and ", missing)} "
                    + $"{(missing.Length == 1 ? "has" : "have")} none. Download the whole folder, or name the original file."
            );
    }

    private static string? Find(string folder, string part) =>
        Names.Select(n => Path.Combine(folder, part, n)).FirstOrDefault(File.Exists);
}
