using Coser.Evaluation;
using static TorchSharp.torch;

namespace Coser.Tests.Evaluation;

/// <summary>Four small pairs of images in folders, and a method that counts its work.</summary>
internal sealed class SmallSet : IDisposable
{
    public const int Count = 4;

    public SmallSet(int hrSide = 48)
    {
        Directory.CreateDirectory(Lr);
        Directory.CreateDirectory(Hr);
        using var scope = NewDisposeScope();
        for (int i = 0; i < Count; i++)
        {
            Tensor lr = PhotoTensor.Rounded(Draw.Uniform(i, 1, 3, hrSide / 4, hrSide / 4));
            PhotoTensor.Write(Path.Combine(Lr, $"image{i}.png"), lr);
            PhotoTensor.Write(Path.Combine(Hr, $"image{i}.png"), PhotoTensor.Rounded(Lanczos.Enlarge(lr, 4)));
        }
    }

    public TemporaryFolder Folder { get; } = new();

    public string Lr => Folder.File("lr");

    public string Hr => Folder.File("hr");

    public string Output => Folder.File("out");

    public IReadOnlyList<EvaluationImage> Images =>
        Protocols.Collect(EvaluationProtocol.Paired, Lr, Hr, Folder.File("work"));

    public void Dispose() => Folder.Dispose();
}

/// <summary>Enlarges by repeating pixels, and remembers which images it was asked for.</summary>
internal sealed class CountingMethod(string name = "nearest", string identity = "1", int scale = 4) : IRestorationMethod
{
    public List<string> Asked { get; } = [];

    /// <summary>Throws at this image, as a killed program would stop there.</summary>
    public string? Dies { get; init; }

    public string Name => name;

    public string Identity => identity;

    public Tensor Restore(EvaluationImage image)
    {
        if (image.Name == Dies)
            throw new OperationCanceledException();
        Asked.Add(image.Name);
        using Tensor lr = PhotoTensor.Read(image.Lr);
        return lr.repeat_interleave(scale, 2).repeat_interleave(scale, 3);
    }

    public void Dispose() { }
}

/// <summary>The same with a reference: the truth of one image for all.</summary>
internal sealed class PaintingMethod(string reference) : IRestorationMethod
{
    private readonly CountingMethod _inner = new("painting");

    public List<string> Asked => _inner.Asked;

    public string Name => _inner.Name;

    public string Identity => _inner.Identity;

    public Tensor Restore(EvaluationImage image) => _inner.Restore(image);

    public Tensor? TakeReference() => PhotoTensor.Read(reference);

    public void Dispose() { }
}
