using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Networks.Clip;
using Coser.Tokenization;
using Coser.Training.Data;
using Coser.Training.Text;
using static TorchSharp.torch;

namespace Coser.Training.Captions;

/// <summary>Drops captions that a CLIP model finds unlike their photo. The paper keeps those above 0.28 by the big CLIP.</summary>
public sealed class ClipCaptionFilter : IDisposable
{
    private readonly ClipModel _clip;
    private readonly ClipTokenizer _tokenizer;

    /// <param name="model">With a component <c>clip</c> and a tokenizer; may be closed afterwards.</param>
    /// <param name="minScore">Least cosine of photo and caption, [-1,1].</param>
    /// <exception cref="CheckpointException">The model lacks one of them, or it is damaged.</exception>
    public ClipCaptionFilter(ModelDirectory model, double minScore)
    {
        MinScore = minScore;
        _tokenizer =
            model.OpenTokenizer()
            ?? throw new CheckpointException(model.Folder, "it has no tokenizer/, which the caption filter needs");
        _clip = model.Load(ComponentNames.Clip, NetworkKinds.Clip, dtype: float32);
        if (_clip.Config.Text.VocabSize == _tokenizer.VocabularySize)
            return;
        _clip.Dispose();
        throw new CheckpointException(
            model.Folder,
            $"its tokenizer has {_tokenizer.VocabularySize} tokens, its clip {_clip.Config.Text.VocabSize}"
        );
    }

    /// <summary>Least cosine.</summary>
    public double MinScore { get; }

    /// <summary>The captions that fit the photo.</summary>
    /// <param name="path">The photo.</param>
    public IReadOnlyList<string> Keep(string path, IReadOnlyList<string> captions)
    {
        float[] scores = Scores(path, captions);
        return [.. captions.Where((_, i) => scores[i] >= MinScore)];
    }

    /// <summary>Cosine of the photo and each caption, [-1,1].</summary>
    /// <exception cref="Imaging.PhotoException">The photo cannot be read.</exception>
    public float[] Scores(string path, IReadOnlyList<string> captions)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor image = TrainingPhoto.LoadForDegradation(path, scale: 1);
        Tensor tokens = _tokenizer.Batch(captions, _clip.Config.Text.ContextLength);
        Tensor embedded = _clip.EmbedImage(ClipPreprocessing.CentreCrop(image, _clip.Config));
        return ClipSimilarity.CosineMatrix(embedded, _clip.EmbedText(tokens)).data<float>().ToArray();
    }

    /// <inheritdoc/>
    public void Dispose() => _clip.Dispose();
}
