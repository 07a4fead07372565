using Coser.Networks.Clip;
using Coser.Tokenization;
using static TorchSharp.torch;

namespace Coser.Restoration;

/// <summary>From words to embeddings. Without a tokenizer only the empty prompt can be read: it is the same in every vocabulary.</summary>
internal sealed class Prompts(Cognition cognition, ClipTextConfig text, ClipTokenizer? tokenizer)
{
    /// <returns>[1,T,C], float32.</returns>
    /// <exception cref="RestorationException">The prompt has words and the model no tokenizer.</exception>
    public Tensor Read(string prompt)
    {
        using var scope = NewDisposeScope();
        return cognition.Read(tensor(Ids(prompt)).unsqueeze(0)).MoveToOuterDisposeScope();
    }

    private long[] Ids(string prompt)
    {
        if (tokenizer is not null)
            return tokenizer.Encode(prompt, text.ContextLength);
        if (!string.IsNullOrWhiteSpace(prompt))
            throw new RestorationException(
                "the model has no tokenizer and cannot read a prompt; convert it again with --tokenizer"
            );
        return ClipTokenizer.Empty(text.ContextLength, text.VocabSize);
    }
}
