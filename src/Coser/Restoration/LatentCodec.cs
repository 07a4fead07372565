using Coser.Diffusion;
using Coser.Networks.Autoencoder;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>
/// From photos to latents and back, with controllable feature wrapping (section 3.4 of the paper). Large photos go tile by
/// tile, blended: the networks' statistics then are a tile's, not the photo's.
/// </summary>
/// <remarks>The networks belong to the caller.</remarks>
/// <param name="autoencoder">Encoder and plain decoder.</param>
/// <param name="wrapping">An autoencoder with feature fusions; null: there is no wrapping.</param>
/// <param name="tile">Longest side of a tile in pixels.</param>
public sealed class LatentCodec(KlAutoencoder autoencoder, KlAutoencoder? wrapping, Device device, int tile = 1280)
{
    private readonly int _reduction = autoencoder.Config.Reduction;
    private readonly LatentTiling _tiling = Tiling(tile, autoencoder.Config.Reduction);

    /// <summary>Pixels of a photo along one side for one of the latent.</summary>
    public int Reduction => _reduction;

    /// <summary>The latent of a photo: the most probable one.</summary>
    /// <param name="photo">[1,3,H,W], [0,1], sides multiples of <see cref="Reduction"/>.</param>
    /// <returns>[1,C,H/8,W/8], float32, as the diffusion models take it.</returns>
    public Tensor Encode(Tensor photo)
    {
        using var scope = NewDisposeScope();
        Tensor pixels = Inside(photo);
        return Tiles(
                [1, autoencoder.Config.EmbedDim, pixels.shape[2] / _reduction, pixels.shape[3] / _reduction],
                1,
                area =>
                {
                    using LatentDistribution latents = autoencoder.Encode(Pixels(area).Of(pixels).to(autoencoder.Type));
                    return autoencoder.ToLatent(latents.Mean.to(float32));
                }
            )
            .MoveToOuterDisposeScope();
    }

    /// <summary>The photo of a latent.</summary>
    /// <param name="latent">[1,C,h,w], as the diffusion models give it.</param>
    /// <param name="lr">The enlarged LR photo [1,3,8h,8w], [0,1], whose features wrap the result; null: none.</param>
    /// <param name="weight">Of those features: 0 the latent alone, 1 as trained.</param>
    /// <returns>[1,3,8h,8w], about [0,1], not clamped, float32.</returns>
    public Tensor Decode(Tensor latent, Tensor? lr = null, double weight = 0)
    {
        using var scope = NewDisposeScope();
        bool wraps = wrapping is not null && lr is not null && weight > 0;
        KlAutoencoder network = wraps ? wrapping! : autoencoder;
        Tensor raw = network.FromLatent(latent.to(device)).to(network.Type);
        Tensor? pixels = wraps ? Inside(lr!) : null;
        Tensor photo = Tiles(
            [1, 3, latent.shape[2] * _reduction, latent.shape[3] * _reduction],
            _reduction,
            area =>
            {
                Tensor part = area.Of(raw).contiguous();
                if (pixels is null)
                    return network.Decode(part).to(float32);
                using EncoderFeatures features = network.EncodeFeatures(Pixels(area).Of(pixels).to(network.Type));
                return network.Decode(part, features, weight).to(float32);
            }
        );
        return (photo / 2 + 0.5).MoveToOuterDisposeScope();
    }

    private static LatentTiling Tiling(int tile, int reduction)
    {
        int size = Math.Max(8, tile / reduction);
        return new LatentTiling(size, Math.Min(16, size / 4));
    }

    private Tensor Inside(Tensor photo) => photo.to(float32, device) * 2 - 1;

    private LatentTile Pixels(LatentTile area) =>
        new(area.Left * _reduction, area.Top * _reduction, area.Width * _reduction, area.Height * _reduction);

    // result: the whole canvas; scale: its pixels for one of the latent.
    private Tensor Tiles(long[] result, int scale, Func<LatentTile, Tensor> run)
    {
        IReadOnlyList<LatentTile> areas = _tiling.Tiles(result[2] / scale, result[3] / scale);
        if (areas.Count == 1)
            return run(areas[0]);
        Tensor weights = LatentTiling.GaussianWeights(areas[0].Width * scale, areas[0].Height * scale).to(device);
        var canvas = new WeightedCanvas(result, device);
        foreach (LatentTile area in areas)
        {
            using var scope = NewDisposeScope();
            var place = new LatentTile(area.Left * scale, area.Top * scale, area.Width * scale, area.Height * scale);
            canvas.Add(place, run(area), weights);
        }
        return canvas.Average(float32);
    }
}
