using Coser.Diffusion;
using Coser.Networks.Unet;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>
/// Stage 3: samples the latent of the result, with the LR photo and the reference in view (section 3.3 of the paper). A
/// latent larger than the training size goes in tiles that are blended at every step.
/// </summary>
/// <remarks>The networks belong to the caller.</remarks>
public sealed class LatentRestorer(
    UnetModel unet,
    ControlEncoder control,
    LatentSampling sampling,
    LatentTiling tiling,
    Device device
)
{
    /// <summary>Name of the stage.</summary>
    public const string Stage = "sampling";

    /// <summary>Samples.</summary>
    /// <param name="start">z at the settings' start, [1,C,h,w], float32.</param>
    /// <param name="lr">Latent of the enlarged LR photo, same shape.</param>
    /// <param name="reference">The reference's latent for a tile, of the tile's size; null: the branch stays silent.</param>
    /// <param name="stage">Name of the stage where there are several.</param>
    /// <param name="use">Is told at every step how much the reference added where; null: nobody asks.</param>
    /// <returns>[1,C,h,w], float32.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public Tensor Restore(
        Tensor start,
        Tensor lr,
        Func<LatentTile, Tensor>? reference,
        GuidanceContext conditions,
        SamplingSettings settings,
        INoise noise,
        StageContext context,
        string stage = Stage,
        ReferenceUse? use = null
    )
    {
        return sampling.Run(
            stage,
            settings,
            (canvas, timestep) => tiling.Blend(canvas, (z, tiles) => Predict(z, tiles, timestep)),
            start,
            noise,
            context
        );

        Tensor Predict(Tensor z, IReadOnlyList<LatentTile> tiles, int timestep)
        {
            using var scope = NewDisposeScope();
            context.Cancel.ThrowIfCancellationRequested();
            Tensor t = full([tiles.Count], timestep, dtype: int64, device: device);
            Tensor positive = Each(conditions.Positive, tiles.Count);
            Tensor negative = Each(conditions.Negative, tiles.Count);
            using ControlMemory memory = Look(z, tiles, t, positive);
            if (use is not null && memory.ReferenceStrength(z.shape[2], z.shape[3]) is { } strength)
                use.Add(tiles, strength);
            return Guidance
                .Combine(
                    settings.Guidance,
                    () => unet.Predict(z, t, positive, memory),
                    // The reference implementation reuses the positive side's control: so does whatever was trained with it.
                    () => unet.Predict(z, t, negative, memory)
                )
                .MoveToOuterDisposeScope();
        }

        ControlMemory Look(Tensor z, IReadOnlyList<LatentTile> tiles, Tensor t, Tensor tokens)
        {
            using var scope = NewDisposeScope();
            ControlFeatures seen = control.Encode(z, LatentTile.Stack(lr, tiles), t, tokens);
            ControlFeatures? shown = reference is null
                ? null
                : control.Encode(z, cat([.. tiles.Select(reference)]), t, tokens);
            return unet.Remember(seen, shown).MoveToOuterDisposeScope();
        }
    }

    // [1,T,C] -> [n,T,C]
    private static Tensor Each(Tensor tokens, int count) => tokens.expand(count, -1, -1);
}
