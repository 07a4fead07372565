using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Networks.Layers;

/// <summary>What every transformer here shares, whatever its keys are called.</summary>
internal static class MultiHead
{
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
        // The fused kernel gains nothing from bfloat16 on a CPU; plain products do (2x at 256 tokens), while scores are few.
        bool plain = !causal && dropout == 0 && q.dtype == torch.bfloat16 && q.device.type == DeviceType.CPU;
        Tensor mixed = plain
            ? matmul(nn.functional.softmax(matmul(q, k.transpose(-2, -1)) / Math.Sqrt(q.shape[3]), -1), v)
            : nn.functional.scaled_dot_product_attention(q, k, v, p: dropout, is_casual: causal);
        // [B,heads,Tq,d] -> [B,Tq,C]
        return mixed.transpose(1, 2).reshape(query.shape).MoveToOuterDisposeScope();
    }

    /// <summary>The activation between the two layers of an MLP.</summary>
    public static Tensor Activate(Tensor x, GeluKind kind)
    {
        using var scope = NewDisposeScope();
        Tensor y = kind == GeluKind.QuickGelu ? x * sigmoid(x * 1.702) : nn.functional.gelu(x);
        return y.MoveToOuterDisposeScope();
    }

    // [B,T,C] -> [B,heads,T,d]
    private static Tensor Split(Tensor x, int heads) =>
        x.reshape(x.shape[0], x.shape[1], heads, x.shape[2] / heads).transpose(1, 2);
}
