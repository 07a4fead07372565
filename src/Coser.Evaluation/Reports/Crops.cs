using Coser.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Evaluation.Reports;

/// <summary>The same part of an image as every method made it, as it was, and as it should be.</summary>
internal static class Crops
{
    private const int Side = 256;
    private const int Quality = 90;

    /// <summary>Width and height of the part, and a picture each: LR, the methods in order, HR if there is one.</summary>
    public static (int Width, int Height, IReadOnlyList<CropPicture> Pictures) Of(
        EvaluationResult result,
        EvaluationImage image
    )
    {
        using var scope = NewDisposeScope();
        (string Name, Tensor Pixels)[] restored =
        [
            .. result.Methods.Select(m =>
                (m, PhotoTensor.Read(Path.Combine(result.Folder, "images", FileName.Of(m), image.Name + ".png")))
            ),
        ];
        Tensor? truth = image.Hr is null ? null : PhotoTensor.Read(image.Hr);
        Tensor guide = truth ?? restored[^1].Pixels;
        (int h, int w) = ((int)guide.shape[2], (int)guide.shape[3]);
        (int height, int width) = (Math.Min(Side, h), Math.Min(Side, w));
        (int top, int left) = Busiest(guide, height, width);
        // Its pixels as squares: what there was to see.
        Tensor lr = nn.functional.interpolate(
            PhotoTensor.Read(image.Lr),
            size: [h, w],
            mode: InterpolationMode.Nearest
        );
        var pictures = new List<CropPicture> { Cut("LR", lr) };
        pictures.AddRange(restored.Select(r => Cut(r.Name, r.Pixels)));
        if (truth is not null)
            pictures.Add(Cut("HR", truth));
        return (width, height, pictures);

        CropPicture Cut(string name, Tensor full) =>
            new(name, Encode(full.narrow(2, top, height).narrow(3, left, width)));
    }

    // Where most happens: the crop of the greatest gradient energy, on a grid of halves of its side.
    private static (int Top, int Left) Busiest(Tensor image, int height, int width)
    {
        using var scope = NewDisposeScope();
        Tensor luma = image.mean([1]);
        (int h, int w) = ((int)image.shape[2], (int)image.shape[3]);
        if (h < 2 || w < 2)
            return (0, 0);
        Tensor energy = luma.diff(dim: 1).square().narrow(2, 0, w - 1) + luma.diff(dim: 2).square().narrow(1, 0, h - 1);
        (double Most, int Top, int Left) best = (-1, 0, 0);
        for (int top = 0; top <= h - height; top += Math.Max(1, height / 2))
        {
            for (int left = 0; left <= w - width; left += Math.Max(1, width / 2))
            {
                double sum = energy.narrow(1, top, height - 1).narrow(2, left, width - 1).sum().item<float>();
                if (sum > best.Most)
                    best = (sum, top, left);
            }
        }
        return (best.Top, best.Left);
    }

    private static string Encode(Tensor crop)
    {
        string file = Path.Combine(Path.GetTempPath(), $"coser-{Guid.NewGuid():n}.jpg");
        try
        {
            using Photo photo = Photo.FromPixels(crop.contiguous());
            photo.Save(file, new SaveOptions { Quality = Quality });
            return "data:image/jpeg;base64," + Convert.ToBase64String(File.ReadAllBytes(file));
        }
        finally
        {
            File.Delete(file);
        }
    }
}

/// <summary>A picture of a report.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Data">A data URL.</param>
internal sealed record CropPicture(string Name, string Data);
