using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Networks.Layers;

/// <summary>What every transformer here shares, whatever its keys are called.</summary>
internal static class MultiHead
{
    // Scores of so many query-key pairs at a time.
    private const long MaxScores = 1 << 21;

    /// <summary>softmax(Q K^T / sqrt(d)) V in <paramref name="heads"/> slices of the channels.</summary>
    /// <param name="query">[B,Tq,C].</param>
    /// <param name="key">[B,Tk,C].</param>
    /// <param name="value">[B,Tk,C].</param>
    /// <param name="heads">Divides C; d = C / heads.</param>
    /// <param name="causal">A token sees itself and those before it.</param>
    /// <param name="dropout">Share of attention weights set to 0; 0 outside training.</param>
    /// <returns>[B,Tq,C].</returns>
    public static Tensor Attend(
        Tensor query,
        Tensor key,
        Tensor value,
        int heads,
        bool causal = false,
        double dropout = 0
    )
    {
        using var scope = NewDisposeScope();
        Tensor q = Split(query, heads);
        Tensor k = Split(key, heads);
        Tensor v = Split(value, heads);
        // The fused kernel gains nothing from bfloat16 on a CPU; plain products do (2x at 256 tokens). But for gradients they
        // keep all their scores.
        bool plain = !causal && dropout == 0 && q.dtype == torch.bfloat16 && q.device.type == DeviceType.CPU;
        plain &= !is_grad_enabled() || q.shape[2] * k.shape[2] <= MaxScores / 4;
        Tensor mixed = plain
            ? InChunks(q, k, part => Mix(part, k, v))
            : nn.functional.scaled_dot_product_attention(q, k, v, p: dropout, is_casual: causal);
        return Join(mixed).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// One-hot attention (Sun et al., section 3.3): in every head each query takes the value of its best key, times the score
    /// of that key, q k / sqrt(d).
    /// </summary>
    /// <param name="query">[B,Tq,C].</param>
    /// <param name="key">[B,Tk,C].</param>
    /// <param name="value">[B,Tk,C].</param>
    /// <param name="heads">Divides C; d = C / heads.</param>
    /// <returns>[B,Tq,C].</returns>
    public static Tensor Choose(Tensor query, Tensor key, Tensor value, int heads)
    {
        using var scope = NewDisposeScope();
        Tensor q = Split(query, heads);
        Tensor k = Split(key, heads);
        Tensor v = Split(value, heads);
        return Join(InChunks(q, k, part => Pick(part, k, v))).MoveToOuterDisposeScope();
    }

    /// <summary>The activation between the two layers of an MLP.</summary>
    public static Tensor Activate(Tensor x, GeluKind kind)
    {
        using var scope = NewDisposeScope();
        Tensor y = kind == GeluKind.QuickGelu ? x * sigmoid(x * 1.702) : nn.functional.gelu(x);
        return y.MoveToOuterDisposeScope();
    }

    // Queries take turns, so that the scores of a turn stay in the cache; few scores take one turn.
    private static Tensor InChunks(Tensor query, Tensor key, Func<Tensor, Tensor> attend)
    {
        long scoresOfQuery = query.shape[0] * query.shape[1] * key.shape[2];
        long chunk = Math.Max(1, MaxScores / scoresOfQuery);
        return query.shape[2] <= chunk ? attend(query) : cat([.. query.split(chunk, dim: 2).Select(attend)], dim: 2);
    }

    private static Tensor Mix(Tensor query, Tensor key, Tensor value)
    {
        using var scope = NewDisposeScope();
        Tensor scores = matmul(query, key.transpose(-2, -1)) / Math.Sqrt(query.shape[3]);
        return matmul(nn.functional.softmax(scores, -1), value).MoveToOuterDisposeScope();
    }

    private static Tensor Pick(Tensor query, Tensor key, Tensor value)
    {
        using var scope = NewDisposeScope();
        Tensor scores = matmul(query, key.transpose(-2, -1)) / Math.Sqrt(query.shape[3]); // [B,heads,Tq,Tk]
        (Tensor best, Tensor index) = scores.max(-1, keepdim: true); // [B,heads,Tq,1]
        Tensor rows = index.expand(-1, -1, -1, value.shape[3]);
        return (value.gather(2, rows) * best).MoveToOuterDisposeScope();
    }

    // [B,heads,T,d] -> [B,T,C]
    private static Tensor Join(Tensor x) => x.transpose(1, 2).flatten(2);

    // [B,T,C] -> [B,heads,T,d]
    private static Tensor Split(Tensor x, int heads) =>
        x.reshape(x.shape[0], x.shape[1], heads, x.shape[2] / heads).transpose(1, 2);
}
