using static TorchSharp.torch;

namespace Coser.Evaluation;

/// <summary>A method of one seed under a name of its own; it leaves the method to its owner.</summary>
internal sealed class SeededMethod(IRestorationMethod method, string name) : IRestorationMethod
{
    public string Name => name;

    public string Identity => method.Identity;

    public Tensor Restore(EvaluationImage image) => method.Restore(image);

    public string SourceOf(EvaluationImage image) => method.SourceOf(image);

    public Tensor? TakeReference() => method.TakeReference();

    public void Dispose() { }
}

/// <summary>Names of methods as names of folders.</summary>
internal static class FileName
{
    public static string Of(string name) =>
        string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '_'));
}
