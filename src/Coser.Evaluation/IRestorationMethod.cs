using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Evaluation;

/// <summary>One way to enlarge an LR image, as compared in a report.</summary>
public interface IRestorationMethod : IDisposable
{
    /// <summary>Name in tables.</summary>
    string Name { get; }

    /// <summary>What the figures depend on besides the image: model hash, seed. Equal identities give equal images.</summary>
    string Identity { get; }

    /// <summary>Restores an image.</summary>
    /// <param name="image">Its true image is for methods that are no restoration, but a bound for one.</param>
    /// <returns>[1,3,H,W], float32, [0,1], not yet rounded.</returns>
    Tensor Restore(EvaluationImage image);

    /// <summary>The file that the result for an image comes from; a run that goes on notices when it was replaced.</summary>
    string SourceOf(EvaluationImage image) => image.Lr;

    /// <summary>
    /// The reference image that the last restoration painted for itself, [1,3,H,W] in [0,1], now the caller's; null: this
    /// method paints none.
    /// </summary>
    Tensor? TakeReference() => null;

    /// <summary>The same method with another seed, borrowing this one's networks; null: it draws nothing at random.</summary>
    IRestorationMethod? WithSeed(long seed) => null;
}

/// <summary>Interpolation: bicubic (PyTorch's: a = -0.75, align_corners off) or Lanczos with three lobes, clamped.</summary>
/// <param name="lanczos">Lanczos rather than bicubic.</param>
/// <param name="scale">Enlargement.</param>
public sealed class InterpolationMethod(bool lanczos, int scale = 4) : IRestorationMethod
{
    /// <inheritdoc/>
    public string Name => lanczos ? "lanczos" : "bicubic";

    /// <inheritdoc/>
    public string Identity => $"{Name} x{scale}";

    /// <inheritdoc/>
    public Tensor Restore(EvaluationImage image)
    {
        using var scope = NewDisposeScope();
        Tensor lr = PhotoTensor.Read(image.Lr);
        Tensor enlarged = lanczos
            ? Lanczos.Enlarge(lr, scale)
            : nn.functional.interpolate(
                lr,
                scale_factor: [scale, scale],
                mode: InterpolationMode.Bicubic,
                align_corners: false
            );
        return enlarged.clamp(0, 1).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose() { }
}

/// <summary>Images that another program restored: files of the inputs' names in a folder.</summary>
public sealed class FolderMethod : IRestorationMethod
{
    private readonly IReadOnlyDictionary<string, string> _files;

    /// <exception cref="InvalidDataException">The folder is missing or holds no image.</exception>
    public FolderMethod(string folder)
    {
        _files = ImageFolder.ByName(folder);
        Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)));
        Identity = $"folder {Path.GetFullPath(folder)}";
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Identity { get; }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The folder has no such image.</exception>
    public string SourceOf(EvaluationImage image) =>
        _files.TryGetValue(image.Name, out string? file)
            ? file
            : throw new InvalidDataException($"{Name}: it has no image '{image.Name}'.");

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The folder has no such image.</exception>
    public Tensor Restore(EvaluationImage image) => PhotoTensor.Read(SourceOf(image));

    /// <inheritdoc/>
    public void Dispose() { }
}
