using Coser.Tokenization;
using Coser.Training.Captions;
using Coser.Training.Data;
using Coser.Training.Degradation;
using Coser.Training.Objectives;
using Coser.Training.Text;
using static TorchSharp.torch;

namespace Coser.Training.Latents;

/// <summary>What every diffusion stage draws of a photo: a view, words, a timestep, noise.</summary>
/// <param name="captions">Null: the text is always empty.</param>
/// <param name="contextLength">Ids of a text.</param>
internal sealed class LatentSamples(
    LatentSet set,
    CaptionIndex? captions,
    ClipTokenizer tokenizer,
    int contextLength,
    DiffusionObjective objective
)
{
    /// <summary>Tensors of a sample, by name.</summary>
    public const string Clean = "clean";
    public const string Tokens = "tokens";
    public const string Timestep = "timestep";
    public const string Noise = "noise";

    /// <summary>Draws a sample.</summary>
    /// <param name="textDrop">Probability of an empty text.</param>
    /// <param name="columns">More columns of the record, by their names.</param>
    /// <returns>clean, noise [1,C,h,w]; tokens [1,T], timestep [1], int64; and the columns.</returns>
    public Dictionary<string, Tensor> Draw(
        PhotoEntry entry,
        SeededDraws draws,
        double textDrop,
        params IReadOnlyList<string> columns
    )
    {
        long record = set.RecordOf(entry.File, draws.RandInt(0, set.Manifest.Settings.Views - 1));
        string text = draws.Random() < textDrop ? "" : Caption(entry, record, draws);
        return Make(record, text, objective.Draw(draws), draws, columns);
    }

    /// <summary>A sample of the first view with all else given.</summary>
    public Dictionary<string, Tensor> First(
        PhotoEntry entry,
        long timestep,
        SeededDraws draws,
        params IReadOnlyList<string> columns
    )
    {
        long record = set.RecordOf(entry.File, 0);
        return Make(record, Caption(entry, record, draws), timestep, draws, columns);
    }

    /// <summary>Ids of a text, [1,T].</summary>
    public Tensor Ids(string text) => tokenizer.Batch([text], contextLength);

    private Dictionary<string, Tensor> Make(
        long record,
        string text,
        long timestep,
        SeededDraws draws,
        IReadOnlyList<string> columns
    )
    {
        Tensor clean = set.Read(LatentSet.Clean, record);
        var sample = new Dictionary<string, Tensor>(StringComparer.Ordinal)
        {
            [Clean] = clean,
            [Noise] = draws.RandN(clean.shape),
            [Tokens] = Ids(text),
            [Timestep] = tensor(new[] { timestep }),
        };
        foreach (string column in columns)
            sample[column] = set.Read(column, record);
        return sample;
    }

    private string Caption(PhotoEntry entry, long record, SeededDraws draws)
    {
        if (captions is null || captions[entry.File] is not { Count: > 0 } texts)
            return "";
        string text = draws.Choice(texts);
        using Tensor mirrored = set.Read(LatentSet.Mirrored, record);
        return mirrored.item<float>() > 0.5 ? CaptionMirror.Swap(text) : text;
    }
}
