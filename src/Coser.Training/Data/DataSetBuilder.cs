using System.Globalization;
using Coser.Imaging;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Training.Data;

/// <summary>Makes a data set of photos: shrunk, without blurry, tiny, unreadable and nearly equal ones, split by a seed.</summary>
/// <remarks>
/// What is kept follows from the photos' order and the settings alone, not from the number of workers. A build that was
/// stopped or killed goes on where it was.
/// </remarks>
public sealed class DataSetBuilder
{
    private const string WorkName = ".building";
    private readonly DataSetSettings _settings;
    private readonly string _folder;

    /// <param name="folder">The data set's; is made when it is not there.</param>
    /// <exception cref="InvalidDataException">A setting is out of range, or the folder holds another data set.</exception>
    public DataSetBuilder(DataSetSettings settings, string folder)
    {
        if (settings.Fault() is { } fault)
            throw new InvalidDataException($"data set: {fault}.");
        (_settings, _folder) = (settings, Path.GetFullPath(folder));
        bool ours = File.Exists(Path.Combine(_folder, BuildLog.FileName));
        if (!ours && Directory.Exists(_folder) && Directory.EnumerateFileSystemEntries(_folder).Any())
            throw new InvalidDataException($"{folder}: it holds something else. Name a new folder with -o.");
    }

    // What a worker found; Encoded lies in the work folder.
    private sealed record Measured(PhotoFate Fate, string? Reason, double Sharpness, ulong Hash, string? Encoded);

    /// <summary>Builds, or goes on. Photos that a build has seen already are not looked at again.</summary>
    /// <param name="progress">Called with photos looked at, those of earlier calls included.</param>
    /// <returns>What became of every photo, in order.</returns>
    /// <exception cref="InvalidDataException">The folder's build was begun with other settings, or nothing is left.</exception>
    public IReadOnlyList<BuildLine> Build(
        IReadOnlyList<SourcePhoto> photos,
        Action<BuildLine>? seen,
        Action<int>? progress,
        CancellationToken cancel
    )
    {
        string work = Path.Combine(_folder, WorkName);
        Directory.CreateDirectory(_folder);
        using var log = new BuildLog(_folder, _settings);
        if (Directory.Exists(work))
            Directory.Delete(work, recursive: true);
        Directory.CreateDirectory(work);
        var kept = new List<string>();
        HammingIndex? hashes = _settings.MaxDistance >= 0 ? new HammingIndex(_settings.MaxDistance) : null;
        foreach (BuildLine line in log.Lines.Where(l => l.Fate == PhotoFate.Kept))
            Remember(line);
        var known = log.Lines.Select(l => l.Photo).ToHashSet(StringComparer.Ordinal);
        (int Number, SourcePhoto Photo)[] left = [.. photos.Index().Where(p => !known.Contains(Name(p.Item)))];
        int done = photos.Count - left.Length;
        foreach ((int, SourcePhoto)[] chunk in left.Chunk(4 * _settings.Workers))
        {
            foreach (((_, SourcePhoto photo), Measured found) in chunk.Zip(Measure(chunk, work, cancel)))
            {
                BuildLine line = Judge(log.Lines.Count, photo, found);
                log.Append(line);
                if (line.Fate == PhotoFate.Kept)
                    Remember(line);
                seen?.Invoke(line);
            }
            progress?.Invoke(done += chunk.Length);
        }
        Directory.Delete(work, recursive: true);
        WriteIndex(log.Lines);
        return log.Lines;

        void Remember(BuildLine line)
        {
            hashes?.Add(line.Hash ?? 0);
            kept.Add(line.Photo);
        }

        BuildLine Judge(int number, SourcePhoto photo, Measured found)
        {
            var line = new BuildLine
            {
                Photo = Name(photo),
                Fate = found.Fate,
                Reason = found.Reason,
                Label = photo.Label,
                Sharpness = found.Fate is PhotoFate.Kept or PhotoFate.Blurry ? Math.Round(found.Sharpness, 1) : null,
            };
            if (found.Encoded is null)
                return line;
            if (hashes?.Find(found.Hash) is { } twin)
            {
                File.Delete(found.Encoded);
                return line with { Fate = PhotoFate.Duplicate, Reason = $"it looks like {kept[twin]}" };
            }
            string file = string.Create(
                CultureInfo.InvariantCulture,
                $"{photo.Source}/{number:d6}{_settings.Format.Extension()}"
            );
            string path = Path.Combine(_folder, PhotoIndex.PhotosName, file);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Move(found.Encoded, path, overwrite: true);
            return line with { File = file, Hash = found.Hash };
        }
    }

    private static string Name(SourcePhoto photo) => $"{photo.Source}/{photo.Relative}";

    private Measured[] Measure((int Number, SourcePhoto Photo)[] photos, string work, CancellationToken cancel)
    {
        var found = new Measured[photos.Length];
        Parallel.For(
            0,
            photos.Length,
            new ParallelOptions { MaxDegreeOfParallelism = _settings.Workers, CancellationToken = cancel },
            i =>
            {
                string encoded = string.Create(CultureInfo.InvariantCulture, $"{photos[i].Number:d6}");
                found[i] = Measure(photos[i].Photo.Path, Path.Combine(work, encoded + _settings.Format.Extension()));
            }
        );
        return found;
    }

    private Measured Measure(string path, string encoded)
    {
        try
        {
            using var scope = NewDisposeScope();
            using Photo photo = Photo.Open(path);
            int shorter = Math.Min(photo.Width, photo.Height);
            if (shorter < _settings.MinSide)
                return Dropped(PhotoFate.Small, $"it has {photo.Width} x {photo.Height} pixels");
            Tensor pixels = Shrunk(photo, shorter);
            double sharpness = PhotoMeasures.Sharpness(pixels);
            if (sharpness < _settings.MinSharpness)
                return Dropped(
                    PhotoFate.Blurry,
                    string.Create(CultureInfo.InvariantCulture, $"its Laplacian varies by {sharpness:f1}")
                ) with
                {
                    Sharpness = sharpness,
                };
            using Photo small = Photo.FromPixels(pixels);
            var options = new SaveOptions { Format = _settings.Format, Quality = _settings.Quality };
            small.Save(encoded, options);
            return new Measured(PhotoFate.Kept, null, sharpness, PhotoMeasures.DifferenceHash(pixels), encoded);
        }
        catch (PhotoException e) when (e.Path == path)
        {
            return Dropped(PhotoFate.Unreadable, e.Reason);
        }

        static Measured Dropped(PhotoFate fate, string reason) => new(fate, reason, 0, 0, null);
    }

    // [1,3,h,w]
    private Tensor Shrunk(Photo photo, int shorter)
    {
        int side = Math.Min(_settings.Side, shorter);
        int width = (int)Math.Round((double)photo.Width * side / shorter);
        int height = (int)Math.Round((double)photo.Height * side / shorter);
        Tensor pixels = photo.ReadShrunk(width, height);
        return _settings.Square
            ? pixels.narrow(2, (height - side) / 2, side).narrow(3, (width - side) / 2, side).contiguous()
            : pixels;
    }

    private void WriteIndex(IReadOnlyList<BuildLine> lines)
    {
        BuildLine[] kept = [.. lines.Where(l => l.Fate == PhotoFate.Kept)];
        if (kept.Length == 0)
            throw new InvalidDataException(
                $"{_folder}: no photo is left of {lines.Count}. {BuildLog.FileName} says why; change the settings, and "
                    + "name another folder with -o."
            );
        HashSet<string> validation = Validation(kept);
        string path = Path.Combine(_folder, PhotoIndex.FileName);
        File.WriteAllLines(
            path + ".tmp",
            kept.Select(l =>
                PhotoIndex.ToLine(
                    new PhotoEntry(
                        l.File!,
                        l.Label ?? "",
                        l.Photo.Split('/')[0],
                        validation.Contains(l.Photo) ? "validation" : "train"
                    )
                )
            )
        );
        File.Move(path + ".tmp", path, overwrite: true);
    }

    // By each photo's own draw, so that a photo more moves no other one; at least one where any is asked for.
    private HashSet<string> Validation(BuildLine[] kept)
    {
        if (_settings.Validation == 0 || kept.Length < 2)
            return [];
        (string Photo, double Drawn)[] draws = [.. kept.Select(l => (l.Photo, Drawn(l.Photo)))];
        HashSet<string> drawn = [.. draws.Where(d => d.Drawn < _settings.Validation).Select(d => d.Photo)];
        if (drawn.Count == 0)
            drawn.Add(draws.MinBy(d => d.Drawn).Photo);
        return drawn;
    }

    private double Drawn(string photo)
    {
        // FNV-1a: the same on every machine, unlike string.GetHashCode.
        ulong name = photo.Aggregate(14695981039346656037UL, (h, c) => unchecked((h ^ c) * 1099511628211UL));
        return SampleOrder.Mix(name ^ SampleOrder.Mix(_settings.Seed)) / (double)ulong.MaxValue;
    }
}
