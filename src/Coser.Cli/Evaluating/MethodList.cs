using Coser.Checkpoints;
using Coser.Engine;
using Coser.Evaluation;
using Coser.Restoration;

namespace Coser.Cli.Evaluating;

/// <summary>The methods of an evaluation, opened by what the user calls them.</summary>
internal sealed class MethodList(Compute compute, RestoreOptions options) : IDisposable
{
    private const string FolderPrefix = "folder:";
    private const string PreSrPrefix = "presr:";
    private const string Embedded = "coser-mini";
    private readonly List<IRestorationMethod> _methods = [];

    public IReadOnlyList<IRestorationMethod> All => _methods;

    /// <summary>Opens a method: [NAME=]bicubic|lanczos|presr[:MODEL]|folder:DIR|MODEL|FILE.</summary>
    /// <exception cref="CheckpointException">There is no such model, or it is damaged.</exception>
    /// <exception cref="InvalidDataException">A folder is missing or empty.</exception>
    public void Add(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string? name = equals > 0 ? text[..equals] : null;
        IRestorationMethod method = Open(text[(equals > 0 ? equals + 1 : 0)..], name);
        _methods.Add(name is null || method.Name == name ? method : new Renamed(method, name));
    }

    public void Dispose()
    {
        foreach (IRestorationMethod method in _methods)
            method.Dispose();
    }

    private IRestorationMethod Open(string text, string? name)
    {
        if (text is "bicubic" or "lanczos")
            return new InterpolationMethod(text == "lanczos");
        if (text.StartsWith(FolderPrefix, StringComparison.Ordinal))
            return new FolderMethod(text[FolderPrefix.Length..]);
        if (text == "presr" || text.StartsWith(PreSrPrefix, StringComparison.Ordinal))
        {
            using ModelDirectory first = ModelDirectory.Open(
                ModelDirectory.Find(text == "presr" ? Embedded : text[PreSrPrefix.Length..])
            );
            return new ModelMethod(
                name ?? "presr",
                first.Hash,
                SuperResolver.FirstStage(first, compute),
                options,
                draws: false
            );
        }
        if (File.Exists(text))
        {
            using BaselineFile baseline = BaselineFile.Open(text);
            return new ModelMethod(
                name ?? Path.GetFileNameWithoutExtension(text),
                baseline.Hash(),
                SuperResolver.Of(baseline.Load(), compute),
                options,
                draws: false
            );
        }
        using ModelDirectory model = ModelDirectory.Open(ModelDirectory.Find(text));
        string kind = model.IsPreSrOnly ? " (pre-SR only)" : "";
        return new ModelMethod(
            name ?? model.Manifest.Name + kind,
            model.Hash,
            new SuperResolver(model, compute),
            options,
            draws: !model.IsPreSrOnly
        );
    }

    private sealed class Renamed(IRestorationMethod method, string name) : IRestorationMethod
    {
        public string Name => name;

        public string Identity => method.Identity;

        public TorchSharp.torch.Tensor Restore(string image, string lrPath) => method.Restore(image, lrPath);

        public string SourceOf(string image, string lrPath) => method.SourceOf(image, lrPath);

        public TorchSharp.torch.Tensor? TakeReference() => method.TakeReference();

        public IRestorationMethod? WithSeed(long seed) => method.WithSeed(seed);

        public void Dispose() => method.Dispose();
    }
}
