using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Coser.Imaging;
using Coser.Training.Degradation;
using Coser.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Training.Data;

/// <summary>How a photo becomes a square HR image.</summary>
public enum TestCrop
{
    /// <summary>CoSeR's: the shorter side resized to 512 (bicubic, antialiased), the middle square.</summary>
    Coser,

    /// <summary>StableSR's: the middle 512 pixels as they are; smaller photos are passed over.</summary>
    Stablesr,
}

/// <summary>Which photos a test set is made of, and how. Equal settings give equal pairs.</summary>
public sealed record TestPairSettings
{
    /// <summary>Photos of each class, the paper's 2; a folder without classes gives <see cref="Count"/>.</summary>
    public int PerClass { get; init; } = 2;

    /// <summary>Pairs in all at most.</summary>
    public int Count { get; init; } = 2000;

    /// <summary>How photos become square.</summary>
    public TestCrop Crop { get; init; }

    /// <summary>Shorter sides below this are passed over; 0: none (ImageNet's photos are mostly 500 by 375).</summary>
    public int MinSide { get; init; }

    /// <summary>Side of HR images.</summary>
    public int Side { get; init; } = 512;

    /// <summary>Chooses the photos; the pair of number n is degraded by this seed + n.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>How LR images are made.</summary>
    public DegradationSettings Degradation { get; init; } = DegradationSettings.Reference;
}

/// <summary>
/// Makes a test set as the paper's ImageNet Test2000 is described: photos of each class, degraded once and for all. Which 2000
/// the paper took is not published; the same seed takes the same ones of the same folder.
/// </summary>
public sealed class TestPairs(TestPairSettings settings)
{
    /// <summary>What was chosen, a JSON object a line below one with the settings.</summary>
    public const string ListName = "pairs.jsonl";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly List<string> _passedOver = [];

    /// <summary>Photos that could not be read, with the reason; others took their places.</summary>
    public IReadOnlyList<string> PassedOver => _passedOver;

    /// <summary>
    /// Writes <c>hr/</c>, <c>lr/</c> and <see cref="ListName"/>; what an interrupted call has written is kept.
    /// </summary>
    /// <param name="photos">A folder of photos, or of a folder a class with photos.</param>
    /// <param name="progress">Called with pairs done.</param>
    /// <returns>How many pairs there are.</returns>
    /// <exception cref="InvalidDataException">There are no photos, or the target holds pairs of other settings.</exception>
    public int Write(string photos, string target, Action<int>? progress = null, CancellationToken cancel = default)
    {
        var done = Begin(target);
        var degradation = new SecondOrderDegradation();
        int number = 0;
        foreach ((IReadOnlyList<string> files, int wanted) in Classes(photos))
        {
            int taken = 0;
            foreach (string file in Shuffled(files, photos))
            {
                if (taken == wanted || number == settings.Count)
                    break;
                cancel.ThrowIfCancellationRequested();
                string name = $"{number:00000}_{Path.GetFileNameWithoutExtension(file)}";
                string source = Path.GetRelativePath(photos, file).Replace('\\', '/');
                if (!done.Contains(source))
                {
                    using var scope = NewDisposeScope();
                    if (Square(file) is not { } hr)
                        continue;
                    Tensor lr = degradation.DegradeWhole(hr, settings.Seed + (ulong)number, settings.Degradation);
                    SampleGrid.Save(hr.squeeze(0), Path.Combine(target, "hr", name + ".png"));
                    SampleGrid.Save(lr.squeeze(0), Path.Combine(target, "lr", name + ".png"));
                    Append(
                        target,
                        JsonSerializer.Serialize(new Pair(name, source, settings.Seed + (ulong)number), Json)
                    );
                }
                taken++;
                number++;
                progress?.Invoke(number);
            }
        }
        return number;
    }

    // Sources of the pairs that are there; both their files were written before their line was.
    private HashSet<string> Begin(string target)
    {
        Directory.CreateDirectory(Path.Combine(target, "hr"));
        Directory.CreateDirectory(Path.Combine(target, "lr"));
        string path = Path.Combine(target, ListName);
        string header = JsonSerializer.Serialize(
            new Header(
                settings.PerClass,
                settings.Count,
                settings.Crop.ToString(),
                settings.MinSide,
                settings.Side,
                settings.Seed,
                JsonSerializer.Deserialize<JsonElement>(settings.Degradation.ToJson())
            ),
            Json
        );
        string text = File.Exists(path) ? File.ReadAllText(path) : "";
        // A line that a kill cut off goes.
        string[] lines = text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0)
            lines = [header];
        else if (lines[0] != header)
            throw new InvalidDataException(
                $"{target}: it holds pairs of other settings ({lines[0]}). Take another folder, or remove it."
            );
        File.WriteAllText(path, string.Join('\n', lines) + "\n");
        return [.. lines.Skip(1).Select(l => JsonSerializer.Deserialize<Pair>(l, Json)!.Source)];
    }

    private static void Append(string target, string line) =>
        File.AppendAllText(Path.Combine(target, ListName), line + "\n");

    // Files of each class and how many of them are wanted.
    private IEnumerable<(IReadOnlyList<string> Files, int Wanted)> Classes(string folder)
    {
        if (!Directory.Exists(folder))
            throw new InvalidDataException($"{folder}: no such folder.");
        var classes = Directory
            .EnumerateDirectories(folder)
            .Order(StringComparer.Ordinal)
            .Select(d => (IReadOnlyList<string>)[.. Directory.EnumerateFiles(d).Where(PhotoFormats.IsReadable)])
            .Where(files => files.Count > 0)
            .ToList();
        if (classes.Count > 0)
            return classes.Select(files => (files, settings.PerClass));
        string[] flat = [.. Directory.EnumerateFiles(folder).Where(PhotoFormats.IsReadable)];
        return flat.Length > 0
            ? [(flat, settings.Count)]
            : throw new InvalidDataException($"{folder}: it holds no photo, and no folder of photos.");
    }

    // By a hash of seed and name: one photo more or less moves no other.
    private IEnumerable<string> Shuffled(IEnumerable<string> files, string root) =>
        files.OrderBy(
            f =>
                Convert.ToHexString(
                    SHA256.HashData(
                        Encoding.UTF8.GetBytes($"{settings.Seed} {Path.GetRelativePath(root, f).Replace('\\', '/')}")
                    )
                ),
            StringComparer.Ordinal
        );

    // [1,3,side,side]; null: too small, or no photo.
    private Tensor? Square(string file)
    {
        try
        {
            using Photo photo = Photo.Open(file);
            int shorter = Math.Min(photo.Width, photo.Height);
            if (shorter < settings.MinSide || (settings.Crop == TestCrop.Stablesr && shorter < settings.Side))
                return null;
            Tensor image = photo.Read(new PixelArea(0, 0, photo.Width, photo.Height));
            if (settings.Crop == TestCrop.Coser && shorter != settings.Side)
            {
                double factor = settings.Side / (double)shorter;
                image = nn
                    .functional.interpolate(
                        image,
                        size:
                        [
                            Math.Max(settings.Side, (long)Math.Round(photo.Height * factor)),
                            Math.Max(settings.Side, (long)Math.Round(photo.Width * factor)),
                        ],
                        mode: InterpolationMode.Bicubic,
                        align_corners: false,
                        antialias: true
                    )
                    .clamp(0, 1);
            }
            long top = (image.shape[2] - settings.Side) / 2;
            long left = (image.shape[3] - settings.Side) / 2;
            // Rounded as its file: LR is made of what HR shows.
            Tensor square = image.narrow(2, top, settings.Side).narrow(3, left, settings.Side);
            return ((square * 255).round() / 255).contiguous();
        }
        catch (PhotoException e)
        {
            _passedOver.Add(e.Message); // the next one takes its place
            return null;
        }
    }

    private sealed record Header(
        int PerClass,
        int Count,
        string Crop,
        int MinSide,
        int Side,
        ulong Seed,
        JsonElement Degradation
    );

    private sealed record Pair(string Name, string Source, ulong Seed);
}
