using System.Globalization;
using Coser.Checkpoints;
using Coser.Engine;
using Coser.Evaluation;
using Coser.Restoration;
using static TorchSharp.torch;

namespace Coser.Cli.Evaluating;

/// <summary>The methods of an evaluation, opened by what the user calls them.</summary>
/// <param name="weights">Folder of the official weight files of <see cref="KnownMethods"/>.</param>
internal sealed class MethodList(Compute compute, RestoreOptions options, string? weights = null) : IDisposable
{
    private const string FolderPrefix = "folder:";
    private const string PreSrPrefix = "presr:";
    private const string CeilingPrefix = "ceiling:";
    private const string UnsharpSuffix = "+unsharp";
    private const string Embedded = "coser-mini";
    private readonly List<IRestorationMethod> _methods = [];
    private readonly List<PendingMethod> _pending = [];

    // One network however many rows of an ablation use it.
    private readonly Dictionary<string, Opened> _opened = new(StringComparer.Ordinal);

    public IReadOnlyList<IRestorationMethod> All => _methods;

    /// <summary>Columns without figures.</summary>
    public IReadOnlyList<PendingMethod> Pending => _pending;

    /// <summary>
    /// Opens a method: [NAME=]bicubic|lanczos|presr[:MODEL]|ceiling:MODEL|folder:DIR|MODEL|FILE, with +unsharp[:AMOUNT] or
    /// without, a method of the paper, or all of its Table 1.
    /// </summary>
    /// <exception cref="CheckpointException">There is no such model, or it is damaged.</exception>
    /// <exception cref="InvalidDataException">A folder is missing or empty.</exception>
    public void Add(string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        string? name = equals > 0 ? text[..equals] : null;
        string what = text[(equals > 0 ? equals + 1 : 0)..];
        if (what == KnownMethods.Table1)
        {
            foreach (string column in KnownMethods.OfTable1(Embedded))
                AddOne(column, null, lenient: true);
        }
        else
        {
            AddOne(what, name, lenient: false);
        }
    }

    /// <summary>Opens a method with options of its own.</summary>
    /// <param name="reference">The user's reference photo, or a folder of them.</param>
    /// <inheritdoc cref="Add(string)"/>
    public void Add(string text, string name, RestoreOptions own, string? reference) =>
        Append(Open(text, name, own, reference), name);

    public void Dispose()
    {
        foreach (IRestorationMethod method in _methods)
            method.Dispose();
        foreach (Opened opened in _opened.Values)
            opened.Resolver.Dispose();
    }

    // A method of Table 1 whose weights are not there is an empty column there, and an error when asked for by itself.
    private void AddOne(string what, string? name, bool lenient)
    {
        if (File.Exists(what) || !KnownMethods.Find(what, weights, out string? file, out PendingMethod pending))
            Append(Open(what, name, options, null), name);
        else if (file is not null)
            Append(Open(file, name ?? pending.Name, options, null), name ?? pending.Name);
        else if (lenient || pending.Wanted.Contains(FolderPrefix, StringComparison.Ordinal))
            _pending.Add(pending with { Name = name ?? pending.Name, Column = _methods.Count + _pending.Count });
        else
            throw new InvalidDataException($"{pending.Name}: its weights are not here; it wants {pending.Wanted}.");
    }

    private void Append(IRestorationMethod method, string? name) =>
        _methods.Add(name is null || method.Name == name ? method : new Renamed(method, name));

    private IRestorationMethod Open(string text, string? name, RestoreOptions own, string? reference)
    {
        if (Unsharp(text) is { } mask)
            return new UnsharpMethod(Open(mask.Inner, null, own, reference), mask.Amount);
        if (text is "bicubic" or "lanczos")
            return new InterpolationMethod(text == "lanczos");
        if (text.StartsWith(FolderPrefix, StringComparison.Ordinal))
            return new FolderMethod(text[FolderPrefix.Length..]);
        if (text.StartsWith(CeilingPrefix, StringComparison.Ordinal))
        {
            using ModelDirectory model = ModelDirectory.Open(ModelDirectory.Find(text[CeilingPrefix.Length..]));
            return new CeilingMethod(model, compute);
        }
        if (!_opened.TryGetValue(text, out Opened? network))
            _opened[text] = network = OpenNetwork(text);
        return new ModelMethod(
            name ?? network.Name,
            network.Hash,
            network.Resolver,
            own,
            network.Draws,
            reference,
            owns: false
        );
    }

    // METHOD+unsharp[:AMOUNT]; null: no such suffix.
    private static (string Inner, double Amount)? Unsharp(string text)
    {
        int at = text.LastIndexOf(UnsharpSuffix, StringComparison.Ordinal);
        if (at <= 0)
            return null;
        string rest = text[(at + UnsharpSuffix.Length)..];
        if (rest.Length == 0)
            return (text[..at], UnsharpMethod.UsualAmount);
        if (
            rest[0] == ':'
            && double.TryParse(rest[1..], NumberStyles.Float, CultureInfo.InvariantCulture, out double amount)
            && amount is > 0 and <= 10
        )
            return (text[..at], amount);
        throw new InvalidDataException($"{text}: after {UnsharpSuffix}: comes the amount, above 0 up to 10.");
    }

    private Opened OpenNetwork(string text)
    {
        if (text == "presr" || text.StartsWith(PreSrPrefix, StringComparison.Ordinal))
        {
            using ModelDirectory first = ModelDirectory.Open(
                ModelDirectory.Find(text == "presr" ? Embedded : text[PreSrPrefix.Length..])
            );
            return new("presr", first.Hash, SuperResolver.FirstStage(first, compute), Draws: false);
        }
        if (File.Exists(text))
        {
            using BaselineFile baseline = BaselineFile.Open(text);
            string stem = Path.GetFileNameWithoutExtension(text);
            return new(stem, baseline.Hash(), SuperResolver.Of(baseline.Load(), compute), Draws: false);
        }
        using ModelDirectory model = ModelDirectory.Open(ModelDirectory.Find(text));
        string kind = model.IsPreSrOnly ? " (pre-SR only)" : "";
        return new(
            model.Manifest.Name + kind,
            model.Hash,
            new SuperResolver(model, compute),
            Draws: !model.IsPreSrOnly
        );
    }

    private sealed record Opened(string Name, string Hash, SuperResolver Resolver, bool Draws);

    private sealed class Renamed(IRestorationMethod method, string name) : IRestorationMethod
    {
        public string Name => name;

        public string Identity => method.Identity;

        public string SourceOf(EvaluationImage image) => method.SourceOf(image);

        public Tensor Restore(EvaluationImage image) => method.Restore(image);

        public Tensor? TakeReference() => method.TakeReference();

        public IRestorationMethod? WithSeed(long seed) => method.WithSeed(seed);

        public void Dispose() => method.Dispose();
    }
}
