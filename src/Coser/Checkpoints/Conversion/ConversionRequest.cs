using Coser.Checkpoints.Renaming;

namespace Coser.Checkpoints.Conversion;

/// <summary>Type of a converted model's weights.</summary>
public enum ConversionType
{
    /// <summary>Each tensor as it is.</summary>
    Keep,

    /// <summary>float16.</summary>
    Fp16,

    /// <summary>bfloat16.</summary>
    Bf16,

    /// <summary>float32.</summary>
    Fp32,
}

/// <summary>
/// The user's own files and what to make of them. Where two hold the same tensor, the one named later here wins: SD, CLIP,
/// CoSeR's first stage, CoSeR's whole checkpoint, pre-SR.
/// </summary>
public sealed record ConversionRequest
{
    /// <summary>Stable Diffusion 2.1-base: a file in the original layout or a diffusers folder.</summary>
    public string? StableDiffusion { get; init; }

    /// <summary>open_clip's ViT-H-14.</summary>
    public string? Clip { get; init; }

    /// <summary>The reproduction's checkpoints: the whole one, the first stage, or both.</summary>
    public IReadOnlyList<string> Coser { get; init; } = [];

    /// <summary>MSRResNet, in place of the one in CoSeR's checkpoints.</summary>
    public string? PreSr { get; init; }

    /// <summary>StableSR's autoencoder with feature wrapping.</summary>
    public string? Cfw { get; init; }

    /// <summary>CLIP's vocabulary: a file or a folder; null: what the diffusers folder has.</summary>
    public string? Tokenizer { get; init; }

    /// <summary>Folder of the new model.</summary>
    public required string Output { get; init; }

    /// <summary>Name of the model; null: the folder's.</summary>
    public string? Name { get; init; }

    /// <summary>Type of the weights.</summary>
    public ConversionType DType { get; init; }

    /// <summary>Replace a model that is there.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Version of the program, for the model's provenance.</summary>
    public string Converter { get; init; } = "";

    /// <summary>Components without which there is no model.</summary>
    internal IReadOnlyList<string> Required { get; init; } = [.. ComponentNames.All.Except([ComponentNames.Cfw])];
}

/// <summary>How far a conversion is.</summary>
/// <param name="Component">What is being written.</param>
/// <param name="Done">Bytes written.</param>
/// <param name="All">Bytes to write.</param>
public sealed record ConversionProgress(string Component, long Done, long All);

/// <summary>What a conversion made.</summary>
/// <param name="Folder">Full path of the model.</param>
/// <param name="Bytes">Of its weights.</param>
/// <param name="Components">Its networks.</param>
/// <param name="Notes">What is worth knowing, a sentence each.</param>
public sealed record ConvertedModel(
    string Folder,
    long Bytes,
    IReadOnlyList<string> Components,
    IReadOnlyList<string> Notes
);
