using static TorchSharp.torch;

namespace Coser.Metrics.Catalogue;

/// <summary>Where the metrics of a run get what they need.</summary>
public sealed record MetricSetOptions
{
    /// <summary>Folder of official weight files; null: none.</summary>
    public string? Weights { get; init; }

    /// <summary>NIQE's prior; null: this project's own.</summary>
    public string? NiqePrior { get; init; }

    /// <summary>A model with a feature network in the role <c>evaluation</c>; null: none.</summary>
    public string? Features { get; init; }

    /// <summary>A model whose CLIP judges; null: a file of the weights folder.</summary>
    public string? Clip { get; init; }

    /// <summary>Pixels left out along each edge by PSNR, SSIM and NIQE.</summary>
    public int Border { get; init; }

    /// <summary>Where networks run; null: the CPU.</summary>
    public Device? Device { get; init; }

    /// <summary>LPIPS and DISTS compute their maps in bfloat16.</summary>
    public bool Bf16 { get; init; }

    /// <summary>The program that reads text, <c>tesseract</c>, by name or path; null: text is not looked at.</summary>
    public string? Tesseract { get; init; }

    /// <summary>Languages of the text, as tesseract calls them: <c>eng</c>, <c>deu+eng</c>.</summary>
    public string TextLanguage { get; init; } = "eng";
}
