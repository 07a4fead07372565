using static TorchSharp.torch;

namespace Coser.Evaluation;

/// <summary>How images are prepared before they are restored and measured: figures of different protocols are not comparable.</summary>
public enum EvaluationProtocol
{
    /// <summary>Pairs as they are.</summary>
    Paired,

    /// <summary>CoSeR's: the shorter side resized to 128 (LR) and 512 (HR), the middle square.</summary>
    Coser,

    /// <summary>StableSR's: the middle 128 (LR) and 512 (HR) pixels, without resizing.</summary>
    Stablesr,

    /// <summary>CoSeR's on ImageNet Test2000: the same preparation of 2000 pairs.</summary>
    ImagenetTest2000,

    /// <summary>LR images alone.</summary>
    NoReference,
}

/// <summary>One image of a run.</summary>
/// <param name="Hr">The true image; null: there is none.</param>
public sealed record EvaluationImage(string Name, string Lr, string? Hr);

/// <summary>The images of a protocol.</summary>
public static class Protocols
{
    private const int LrSide = 128;
    private const int HrSide = 512;
    private const int Test2000 = 2000;

    /// <summary>In a sentence, for the protocol line.</summary>
    public static string Describe(EvaluationProtocol protocol) =>
        protocol switch
        {
            EvaluationProtocol.Paired => "pairs as they are",
            EvaluationProtocol.Coser =>
                "CoSeR's: shorter side resized to 128 (LR) and 512 (HR) by Lanczos, middle square",
            EvaluationProtocol.Stablesr => "StableSR's: middle 128 (LR) and 512 (HR) pixels, no resizing",
            EvaluationProtocol.ImagenetTest2000 =>
                "ImageNet Test2000 as CoSeR's: shorter side resized to 128 (LR) and 512 (HR) by Lanczos, middle square",
            _ => "images without truth",
        };

    /// <summary>The images, prepared below <paramref name="work"/> where the protocol asks for it, kept from run to run.</summary>
    /// <exception cref="InvalidDataException">A folder is missing or empty, an image has no partner or is too small, or there
    /// are not as many as the protocol wants; the message names it.</exception>
    public static IReadOnlyList<EvaluationImage> Collect(
        EvaluationProtocol protocol,
        string lrFolder,
        string? hrFolder,
        string work,
        int? limit = null,
        CancellationToken cancel = default
    )
    {
        IReadOnlyDictionary<string, string> lr = ImageFolder.ByName(lrFolder);
        IReadOnlyDictionary<string, string>? hr = null;
        if (protocol != EvaluationProtocol.NoReference)
        {
            hr = ImageFolder.ByName(
                hrFolder
                    ?? throw new InvalidDataException("This protocol wants true images; give --hr, or no-reference.")
            );
            string[] alone = [.. lr.Keys.Except(hr.Keys).Concat(hr.Keys.Except(lr.Keys))];
            if (alone.Length > 0)
                throw new InvalidDataException(
                    $"{lrFolder} and {hrFolder} differ: no partner for {string.Join(", ", alone.Take(3))}"
                );
        }
        if (protocol == EvaluationProtocol.ImagenetTest2000 && lr.Count != Test2000)
            throw new InvalidDataException($"{lrFolder}: Test2000 has {Test2000} images, but here are {lr.Count}.");
        bool prepares = protocol is not (EvaluationProtocol.Paired or EvaluationProtocol.NoReference);
        var images = new List<EvaluationImage>();
        foreach (string name in lr.Keys.Order(StringComparer.Ordinal).Take(limit ?? int.MaxValue))
        {
            cancel.ThrowIfCancellationRequested();
            images.Add(
                prepares
                    ? new EvaluationImage(
                        name,
                        Prepare(protocol, lr[name], LrSide, Path.Combine(work, "lr", name + ".png")),
                        Prepare(protocol, hr![name], HrSide, Path.Combine(work, "hr", name + ".png"))
                    )
                    : new EvaluationImage(name, lr[name], hr?[name])
            );
        }
        return images;
    }

    private static string Prepare(EvaluationProtocol protocol, string path, int side, string target)
    {
        // Of which photo it was made; written last.
        string stamp = Path.ChangeExtension(target, ".source");
        string source = ContentHash.Text(path);
        if (File.Exists(target) && File.Exists(stamp) && File.ReadAllText(stamp) == source)
            return target;
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor image = PhotoTensor.Read(path);
        (long h, long w) = (image.shape[2], image.shape[3]);
        if (protocol != EvaluationProtocol.Stablesr && Math.Min(h, w) != side)
        {
            double factor = side / (double)Math.Min(h, w);
            image = Lanczos.Resize(
                image,
                Math.Max(side, (long)Math.Round(h * factor)),
                Math.Max(side, (long)Math.Round(w * factor))
            );
            (h, w) = (image.shape[2], image.shape[3]);
        }
        if (Math.Min(h, w) < side)
            throw new InvalidDataException($"{path}: {w} x {h} pixels are too few for a crop of {side}.");
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        File.Delete(stamp);
        PhotoTensor.Write(
            target,
            image.narrow(2, (h - side) / 2, side).narrow(3, (w - side) / 2, side).clamp(0, 1).contiguous()
        );
        File.WriteAllText(stamp, source);
        return target;
    }
}
