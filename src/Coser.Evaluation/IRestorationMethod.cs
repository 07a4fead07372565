using Coser.Imaging;
using Coser.Restoration;
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
    /// <param name="name">The image's name, without extension.</param>
    /// <param name="lrPath">Its file.</param>
    /// <returns>[1,3,H,W], float32, [0,1], not yet rounded.</returns>
    Tensor Restore(string name, string lrPath);

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
    public Tensor Restore(string name, string lrPath)
    {
        using var scope = NewDisposeScope();
        Tensor lr = PhotoTensor.Read(lrPath);
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

/// <summary>A model, through the same code as <c>coser upscale</c>.</summary>
public sealed class ModelMethod : IRestorationMethod
{
    private readonly SuperResolver _resolver;
    private readonly RestoreOptions _options;
    private readonly string _hash;
    private readonly bool _draws;
    private bool _borrowed;
    private Tensor? _reference;

    /// <param name="name">Name in tables.</param>
    /// <param name="hash">Of the weights.</param>
    /// <param name="resolver">Owned from here on.</param>
    /// <param name="options">How it restores.</param>
    /// <param name="draws">Whether its images depend on the seed: it samples, and does not only enlarge.</param>
    public ModelMethod(string name, string hash, SuperResolver resolver, RestoreOptions options, bool draws)
    {
        (_hash, _draws) = (hash, draws);
        Name = name;
        _resolver = resolver;
        _options = options with { Scale = resolver.Scale };
        Identity =
            $"model {hash[..Math.Min(hash.Length, 16)]} {resolver.Compute.DeviceName} {resolver.Compute.PrecisionName} "
            + $"seed {options.Seed} {options.Preset}"
            + (options.Steps is { } steps ? $" steps {steps}" : "")
            + (options.Sampler is { } sampler ? $" sampler {sampler}" : "")
            + (options.Guidance is { } guidance ? $" guidance {guidance}" : "");
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Identity { get; }

    /// <inheritdoc/>
    public Tensor Restore(string name, string lrPath)
    {
        using Photo photo = Photo.Open(lrPath);
        using RestoredPhoto restored = _resolver.Restore(photo, _options);
        TakeReference()?.Dispose();
        if (restored.Reference is { } reference)
            _reference = reference
                .Read(new PixelArea(0, 0, reference.Width, reference.Height))
                .DetachFromDisposeScope();
        return restored.Photo.Read(new PixelArea(0, 0, restored.Photo.Width, restored.Photo.Height));
    }

    /// <inheritdoc/>
    public IRestorationMethod? WithSeed(long seed) =>
        _draws
            ? new ModelMethod(Name, _hash, _resolver, _options with { Seed = seed }, _draws) { _borrowed = true }
            : null;

    /// <inheritdoc/>
    public Tensor? TakeReference()
    {
        Tensor? reference = _reference;
        _reference = null;
        return reference;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        TakeReference()?.Dispose();
        if (!_borrowed)
            _resolver.Dispose();
    }
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
    public Tensor Restore(string name, string lrPath) =>
        _files.TryGetValue(name, out string? file)
            ? PhotoTensor.Read(file)
            : throw new InvalidDataException($"{Name}: it has no image '{name}'.");

    /// <inheritdoc/>
    public void Dispose() { }
}
