using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Networks.Cognition;

/// <summary>What the cognitive adapter is taught with (paper, section 3.1).</summary>
public static class CognitiveSupervision
{
    /// <summary>
    /// L' of Eq. 2: the <paramref name="queries"/> text tokens that end with the class token (end of text), or, in a shorter
    /// text, all up to the class token, which then fills the end.
    /// </summary>
    /// <param name="text">L, [B,T_l,C]: the text tower's tokens.</param>
    /// <param name="tokens">Ids [B,T_l], int64; the class token is where the id is largest.</param>
    /// <param name="queries">T_e.</param>
    /// <returns>[B,T_e,C].</returns>
    /// <remarks>The paper counts t_cls from 0 in one branch and from 1 in the other; as in the reproduction, both include the
    /// class token.</remarks>
    /// <exception cref="ArgumentException">Embeddings and ids disagree in B or T_l.</exception>
    public static Tensor Select(Tensor text, Tensor tokens, int queries)
    {
        if (tokens.dim() != 2 || text.dim() != 3 || !text.shape.AsSpan(0, 2).SequenceEqual(tokens.shape))
        {
            throw new ArgumentException(
                $"text [{string.Join(",", text.shape)}] and ids [{string.Join(",", tokens.shape)}] do not fit",
                nameof(tokens)
            );
        }
        using var scope = NewDisposeScope();
        Tensor last = tokens.argmax(-1, keepdim: true); // [B,1]
        Tensor steps = arange(queries, dtype: torch.int64, device: tokens.device).reshape(1, -1);
        // The window starts at 0 or T_e - 1 before its end; beyond the end the index stays.
        Tensor index = minimum((last - (queries - 1)).clamp(min: 0) + steps, last); // [B,T_e]
        return text.gather(1, index.unsqueeze(-1).expand(-1, -1, text.shape[2])).MoveToOuterDisposeScope();
    }

    /// <summary>L_CE of Eq. 1 as the reproduction has it: the mean, not the sum, of squared differences.</summary>
    /// <param name="embedding">E, [B,T_e,C].</param>
    /// <param name="supervision">L', [B,T_e,C].</param>
    /// <returns>A scalar.</returns>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static Tensor Loss(Tensor embedding, Tensor supervision)
    {
        if (!embedding.shape.AsSpan().SequenceEqual(supervision.shape))
            throw new ArgumentException("embedding and supervision differ in shape", nameof(supervision));
        return nn.functional.mse_loss(embedding, supervision);
    }
}
