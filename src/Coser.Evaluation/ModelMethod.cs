using System.Globalization;
using System.Security.Cryptography;
using Coser.Imaging;
using Coser.Restoration;
using static TorchSharp.torch;

namespace Coser.Evaluation;

/// <summary>A model, through the same code as <c>coser upscale</c>.</summary>
public sealed class ModelMethod : IRestorationMethod
{
    private readonly SuperResolver _resolver;
    private readonly RestoreOptions _options;
    private readonly string _hash;
    private readonly bool _draws;
    private readonly IReadOnlyDictionary<string, string>? _references;
    private readonly string? _referencePath;
    private readonly bool _owns;
    private Tensor? _reference;

    /// <param name="name">Name in tables.</param>
    /// <param name="hash">Of the weights.</param>
    /// <param name="resolver">Owned from here on, if <paramref name="owns"/>.</param>
    /// <param name="options">How it restores.</param>
    /// <param name="draws">Whether its images depend on the seed: it samples, and does not only enlarge.</param>
    /// <param name="reference">The user's reference photo for all images, or a folder with one for each, of its name; null: as
    /// <paramref name="options"/> say.</param>
    /// <param name="owns">False: several methods share the resolver, and another disposes of it.</param>
    /// <exception cref="InvalidDataException">The folder of references is empty.</exception>
    /// <exception cref="IOException">The reference photo cannot be read.</exception>
    public ModelMethod(
        string name,
        string hash,
        SuperResolver resolver,
        RestoreOptions options,
        bool draws,
        string? reference = null,
        bool owns = true
    )
    {
        (_hash, _draws, _owns, _referencePath) = (hash, draws, owns, reference);
        Name = name;
        _resolver = resolver;
        _options = options with
        {
            Scale = resolver.Scale,
            Reference = reference is null ? options.Reference : ReferenceSource.Photo,
        };
        if (Directory.Exists(reference))
            _references = ImageFolder.ByName(reference);
        Identity = string.Join(' ', Parts(reference));
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Identity { get; }

    /// <inheritdoc/>
    public Tensor Restore(EvaluationImage image)
    {
        using Photo photo = Photo.Open(image.Lr);
        using Photo? own = ReferenceOf(image.Name) is { } file ? Photo.Open(file) : null;
        using RestoredPhoto restored = _resolver.Restore(photo, _options with { ReferencePhoto = own });
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
            ? new ModelMethod(
                Name,
                _hash,
                _resolver,
                _options with
                {
                    Seed = seed,
                },
                _draws,
                _referencePath,
                owns: false
            )
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
        if (_owns)
            _resolver.Dispose();
    }

    private string? ReferenceOf(string name)
    {
        if (_references is null)
            return _referencePath;
        return _references.TryGetValue(name, out string? file)
            ? file
            : throw new InvalidDataException($"{_referencePath}: it has no reference for '{name}'.");
    }

    // Whatever changes pixels; defaults are left out, so that a new option leaves old runs valid.
    private IEnumerable<string> Parts(string? reference)
    {
        RestoreOptions o = _options;
        yield return $"model {_hash[..Math.Min(_hash.Length, 16)]}";
        yield return $"{_resolver.Compute.DeviceName} {_resolver.Compute.PrecisionName}";
        yield return $"seed {o.Seed} {o.Preset}";
        if (o.Steps is { } steps)
            yield return $"steps {steps}";
        if (o.Sampler is { } sampler)
            yield return $"sampler {sampler}";
        if (o.Guidance is { } guidance)
            yield return string.Create(CultureInfo.InvariantCulture, $"guidance {guidance}");
        if (o.Prompt.Length > 0)
            yield return $"prompt '{o.Prompt}'";
        if (o.NegativePrompt is { } negative)
            yield return $"negative '{negative}'";
        if (_references is not null)
            yield return $"references {reference} {HashOf(_references.Values)}";
        else if (reference is not null)
            yield return $"reference {Path.GetFileName(reference)} {HashOf([reference])}";
        else if (o.Reference != ReferenceSource.Auto)
            yield return $"reference {o.Reference}";
        if (o.Fidelity is { } fidelity)
            yield return string.Create(CultureInfo.InvariantCulture, $"fidelity {fidelity}");
        if (o.ColourFix is { } colour)
            yield return $"colour {colour}";
        if (!o.Cognition)
            yield return "no cognition";
    }

    private static string HashOf(IEnumerable<string> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string file in files.Order(StringComparer.Ordinal))
            hash.AppendData(ContentHash.Of(file));
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }
}
