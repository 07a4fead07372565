using Coser.Networks.Clip;
using Coser.Networks.Cognition;
using Coser.Networks.PreSr;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>
/// Stage 1: what the model understands of a photo (section 3.1 of the paper). Pre-SR, CLIP's image tower, cognitive adapter;
/// and CLIP's text tower for prompts.
/// </summary>
/// <remarks>The networks belong to the caller.</remarks>
public sealed class Cognition(MsrResNet preSr, ClipModel clip, CognitiveAdapter adapter, Device device)
{
    /// <summary>The photo four times larger, clean and smooth: only understood from, never shown.</summary>
    /// <param name="lr">[1,3,h,w], [0,1].</param>
    /// <returns>[1,3,4h,4w], about [0,1], float32.</returns>
    public Tensor PreSr(Tensor lr)
    {
        using var scope = NewDisposeScope();
        return preSr.call(lr.to(device)).to(float32).MoveToOuterDisposeScope();
    }

    /// <summary>The cognitive embedding E.</summary>
    /// <param name="preSr">Of <see cref="PreSr"/>.</param>
    /// <returns>[1,T_e,C], float32.</returns>
    public Tensor Understand(Tensor preSr)
    {
        using var scope = NewDisposeScope();
        Tensor square = ClipPreprocessing.Stretch(preSr, clip.Config).to(clip.Type);
        return adapter.call(clip.ImageTokens(square)).to(float32).MoveToOuterDisposeScope();
    }

    /// <summary>The embedding of a prompt: the text tower's tokens.</summary>
    /// <param name="tokens">Ids [1,T], int64.</param>
    /// <returns>[1,T,C], float32.</returns>
    public Tensor Read(Tensor tokens)
    {
        using var scope = NewDisposeScope();
        return clip.TextTokens(tokens.to(device)).to(float32).MoveToOuterDisposeScope();
    }
}
