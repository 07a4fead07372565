using Coser.Tokenization;
using static TorchSharp.torch;

namespace Coser.Training.Text;

/// <summary>Texts as tensors.</summary>
public static class TokenBatch
{
    /// <summary>The ids of several texts.</summary>
    /// <param name="contextLength">Ids a text.</param>
    /// <returns>[B,contextLength], int64; it belongs to the caller's dispose scope.</returns>
    public static Tensor Batch(this ClipTokenizer tokenizer, IReadOnlyList<string> texts, int contextLength)
    {
        long[] ids = [.. texts.SelectMany(t => tokenizer.Encode(t, contextLength))];
        using var scope = NewDisposeScope();
        return tensor(ids).reshape(texts.Count, contextLength).MoveToOuterDisposeScope();
    }
}
