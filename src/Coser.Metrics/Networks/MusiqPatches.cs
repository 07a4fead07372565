using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Metrics.Networks;

/// <summary>A photo at several sizes, cut into patches, each with its place.</summary>
internal static class MusiqPatches
{
    /// <param name="image">[B,3,H,W], [-1,1].</param>
    /// <returns>Patches [B,N,3*patch^2] (channels outermost) and, of each, hashed position, scale and 1 where it is of the
    /// photo (0: filled up): [B,N,3], float32.</returns>
    public static (Tensor Patches, Tensor Places) Of(Tensor image, MusiqConfig config)
    {
        using var scope = NewDisposeScope();
        var patches = new List<Tensor>();
        var places = new List<Tensor>();
        (long h, long w) = (image.shape[2], image.shape[3]);
        for (int scale = 0; scale <= config.LongerSides.Count; scale++)
        {
            bool own = scale == config.LongerSides.Count;
            Tensor sized = own ? image : Resize(image, config.LongerSides[scale]);
            long line = own ? 0 : (config.LongerSides[scale] + config.Patch - 1) / config.Patch;
            (Tensor part, Tensor place) = Cut(sized, scale, config, line * line);
            patches.Add(part);
            places.Add(place);
        }
        return (
            cat([.. patches], dim: 1).MoveToOuterDisposeScope(),
            cat([.. places], dim: 0).unsqueeze(0).expand(image.shape[0], -1, -1).MoveToOuterDisposeScope()
        );
    }

    private static Tensor Resize(Tensor image, int longer)
    {
        (long h, long w) = (image.shape[2], image.shape[3]);
        double ratio = longer / (double)Math.Max(h, w);
        return nn.functional.interpolate(
            image,
            size: [Round(h * ratio), Round(w * ratio)],
            mode: InterpolationMode.Bicubic,
            align_corners: false
        );
    }

    private static long Round(double value) => Math.Max(1, (long)Math.Round(value, MidpointRounding.ToEven));

    // At least `fill` patches, the rest zeros.
    private static (Tensor, Tensor) Cut(Tensor image, int scale, MusiqConfig config, long fill)
    {
        int patch = config.Patch;
        Tensor padded = SamePadding.Pad(image, patch, patch, 0);
        (long rows, long columns) = (padded.shape[2] / patch, padded.shape[3] / patch);
        Tensor patches = nn.functional.unfold(padded, patch, stride: patch).transpose(1, 2); // [B,rows*columns,3*patch^2]
        long count = rows * columns;
        long all = Math.Max(count, fill);
        if (all > count)
            patches = nn.functional.pad(patches, [0, 0, 0, all - count]);
        var place = new float[all * 3];
        for (long i = 0; i < count; i++)
        {
            long row = i / columns * config.Grid / rows;
            long column = i % columns * config.Grid / columns;
            (place[i * 3], place[i * 3 + 1], place[i * 3 + 2]) = (row * config.Grid + column, scale, 1);
        }
        return (patches, tensor(place, device: image.device).view(all, 3));
    }
}
