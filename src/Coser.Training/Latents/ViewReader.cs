using Coser.Training.Data;
using Coser.Training.Degradation;
using static TorchSharp.torch;

namespace Coser.Training.Latents;

/// <summary>
/// Makes the pictures again that the records of a set of latents were made from. May be used by several threads.
/// </summary>
public sealed class ViewReader
{
    private readonly LatentSetManifest _manifest;
    private readonly ViewMaker _views;
    private readonly Dictionary<string, PhotoEntry> _entries;
    private readonly PhotoIndex _data;

    /// <param name="data">The data set that the set of latents was made from.</param>
    /// <exception cref="InvalidDataException">It lacks a photo of the set.</exception>
    public ViewReader(LatentSetManifest manifest, PhotoIndex data)
    {
        (_manifest, _data) = (manifest, data);
        _views = new ViewMaker(manifest.Settings.Size, manifest.Settings.Degradation);
        _entries = data.Entries.ToDictionary(e => e.File, StringComparer.Ordinal);
        string? missing = manifest.Photos.FirstOrDefault(p => !_entries.ContainsKey(p));
        if (missing is not null)
            throw new InvalidDataException($"{data.Folder}: it lacks the photo {missing} of the set of latents.");
    }

    /// <summary>The view of a record, in the caller's dispose scope.</summary>
    /// <exception cref="Imaging.PhotoException">The photo cannot be read.</exception>
    public PhotoView Read(long record)
    {
        using var scope = NewDisposeScope();
        LatentSetSettings settings = _manifest.Settings;
        int number = (int)(record / settings.Views);
        int view = (int)(record % settings.Views);
        PhotoEntry entry = _entries[_manifest.Photos[number]];
        using var draws = SeededDraws.ForSample(settings.Seed, view, number);
        Tensor pixels = TrainingPhoto.Load(_data, entry);
        // What validates is looked at whole.
        PhotoView made = entry.Split == "train" || view > 0 ? _views.Make(pixels, draws) : _views.Middle(pixels, draws);
        made.Sharp.MoveToOuterDisposeScope();
        made.Lr?.MoveToOuterDisposeScope();
        return made;
    }
}
