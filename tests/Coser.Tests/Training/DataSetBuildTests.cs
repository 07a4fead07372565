using System.Text.Json;
using Coser.Imaging;
using Coser.Training.Data;
using NetVips;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

public sealed class DataSetBuildTests : IDisposable
{
    private static readonly DataSetSettings Settings = new()
    {
        Side = 64,
        MinSide = 48,
        MinSharpness = 20,
        Validation = 0.3,
        Format = PhotoFormat.Png,
    };

    private readonly TemporaryFolder _folder = new();

    public DataSetBuildTests()
    {
        for (int i = 0; i < 6; i++)
            Paint($"in/{(i < 3 ? "red_fox" : "n0001")}/{i}.jpg", 96 + 16 * i, 96, seed: i);
        Paint("in/red_fox/blurred.png", 96, 96, seed: 20, blur: 12);
        Paint("in/red_fox/again.webp", 60, 60, seed: 1, from: 112);
        Paint("in/red_fox/tiny.png", 96, 40, seed: 21);
        File.WriteAllText(_folder.File("in/red_fox/broken.jpg"), "no photo");
        File.WriteAllText(_folder.File("in/readme.txt"), "no photo either");
        File.WriteAllText(_folder.File("words.txt"), "n0001\tgolden retriever\n");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_photo_has_its_fate_and_reason()
    {
        IReadOnlyList<BuildLine> lines = Build("out", Settings);
        Assert.Equal(10, lines.Count);
        Assert.Equal(PhotoFate.Unreadable, Fate("broken.jpg"));
        Assert.Equal(PhotoFate.Small, Fate("tiny.png"));
        Assert.Equal(PhotoFate.Blurry, Fate("blurred.png"));
        // Names decide the order: "1.jpg" comes before "again.webp".
        Assert.Equal(PhotoFate.Duplicate, Fate("again.webp"));
        Assert.Contains(
            "in/red_fox/1.jpg",
            lines.Single(l => l.Photo.EndsWith("again.webp", StringComparison.Ordinal)).Reason
        );
        PhotoIndex data = PhotoIndex.Open(_folder.File("out"));
        Assert.Equal(6, data.Entries.Count);
        Assert.Equal(3, data.Entries.Count(e => e.Label == "red fox"));
        Assert.Equal(3, data.Entries.Count(e => e.Label == "golden retriever"));
        Assert.InRange(data.Split("validation").Count, 1, 5);
        foreach (PhotoEntry entry in data.Entries)
        {
            using Photo photo = data.OpenPhoto(entry);
            Assert.Equal(64, Math.Min(photo.Width, photo.Height));
        }
        Assert.False(Directory.Exists(_folder.File("out/.building")));

        PhotoFate Fate(string name) => lines.Single(l => l.Photo.EndsWith(name, StringComparison.Ordinal)).Fate;
    }

    [Fact]
    public void A_build_that_was_stopped_goes_on_to_the_same_data_set()
    {
        Build("whole", Settings);
        using var cancel = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() =>
            Build("broken", Settings with { Workers = 1 }, _ => cancel.Cancel(), cancel.Token)
        );
        string log = _folder.File("broken/build.jsonl");
        Assert.InRange(File.ReadAllLines(log).Length, 2, 9);
        File.AppendAllText(log, "{\"photo\":\"in/re"); // as a kill leaves it
        Build("broken", Settings with { Workers = 3 });
        foreach (string file in new[] { "index.jsonl", "build.jsonl" })
            Assert.Equal(
                File.ReadAllText(_folder.File("whole/" + file)),
                File.ReadAllText(_folder.File("broken/" + file))
            );
        foreach (PhotoEntry entry in PhotoIndex.Open(_folder.File("whole")).Entries)
            Assert.Equal(
                File.ReadAllBytes(_folder.File("whole/photos/" + entry.File)),
                File.ReadAllBytes(_folder.File("broken/photos/" + entry.File))
            );
    }

    [Fact]
    public void Photos_that_come_later_take_nobodys_place()
    {
        Build("out", Settings);
        Dictionary<string, PhotoEntry> before = Entries();
        Paint("in/a_new_class/0.jpg", 96, 96, seed: 40); // sorts before all others
        Build("out", Settings);
        Dictionary<string, PhotoEntry> after = Entries();
        Assert.Equal(before.Count + 1, after.Count);
        foreach ((string file, PhotoEntry entry) in before)
            Assert.Equal(entry, after[file]);

        Dictionary<string, PhotoEntry> Entries() =>
            PhotoIndex.Open(_folder.File("out")).Entries.ToDictionary(e => e.File, StringComparer.Ordinal);
    }

    [Fact]
    public void Other_settings_and_other_peoples_folders_are_refused()
    {
        Build("out", Settings);
        string Refused(string name, DataSetSettings settings) =>
            Assert.Throws<InvalidDataException>(() => Build(name, settings)).Message;
        Assert.Contains("other settings", Refused("out", Settings with { Side = 48 }), StringComparison.Ordinal);
        Assert.Contains("holds something else", Refused("in", Settings), StringComparison.Ordinal);
        Assert.Contains("side is at least", Refused("x", Settings with { Side = 1 }), StringComparison.Ordinal);
        Assert.Contains(
            "no photo is left",
            Refused("sharp", Settings with { MinSharpness = 1e8 }),
            StringComparison.Ordinal
        );
        Assert.Throws<InvalidDataException>(() => PhotoSources.Find([_folder.File("none")], Words()));
    }

    [Fact]
    public void Squares_are_cut_from_the_middle()
    {
        Build("out", Settings with { Square = true });
        PhotoIndex data = PhotoIndex.Open(_folder.File("out"));
        foreach (PhotoEntry entry in data.Entries)
        {
            using Tensor photo = TrainingPhoto.Load(data, entry);
            Assert.Equal(photo.shape[1], photo.shape[2]);
            Assert.InRange(photo.shape[1], 60, 64);
        }
    }

    [Fact]
    public void Near_hashes_are_found_as_by_comparing_all()
    {
        var random = new Random(5);
        foreach (int distance in new[] { 0, 3, 7, 15 })
        {
            var index = new HammingIndex(distance);
            var all = new List<ulong>();
            int found = 0;
            for (int i = 0; i < 600; i++)
            {
                ulong hash = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
                if (i > 0 && i % 2 == 0)
                {
                    hash = all[random.Next(all.Count)];
                    for (int flip = random.Next(0, distance + 3); flip > 0; flip--)
                        hash ^= 1UL << random.Next(64);
                }
                int first = all.FindIndex(h => System.Numerics.BitOperations.PopCount(h ^ hash) <= distance);
                Assert.Equal(first < 0 ? null : first, index.Find(hash));
                found += first < 0 ? 0 : 1;
                index.Add(hash);
                all.Add(hash);
            }
            Assert.InRange(found, 60, 400);
        }
    }

    [Fact]
    public void Hash_and_sharpness_know_copies_from_others_and_sharp_from_blurred()
    {
        using var scope = NewDisposeScope();
        Tensor photo = nn.functional.interpolate(
            Draw.Uniform(3, 1, 3, 12, 12),
            [96, 96],
            mode: InterpolationMode.Bicubic,
            align_corners: false
        );
        Tensor small = nn.functional.interpolate(photo, [40, 40], mode: InterpolationMode.Area) * 0.8 + 0.1;
        Tensor other = nn.functional.interpolate(Draw.Uniform(4, 1, 3, 12, 12), [96, 96], mode: InterpolationMode.Area);
        ulong hash = PhotoMeasures.DifferenceHash(photo);
        Assert.InRange(Bits(hash, PhotoMeasures.DifferenceHash(small)), 0, 4);
        Assert.InRange(Bits(hash, PhotoMeasures.DifferenceHash(other)), 16, 48);
        // Of white noise of variance v the Laplacian has 20 v.
        Tensor noise = Draw.Uniform(5, 1, 1, 96, 96).expand(1, 3, 96, 96);
        Assert.Equal(20 * 255.0 * 255 / 12, PhotoMeasures.Sharpness(noise), 20 * 255.0 * 255 / 12 * 0.05);
        Assert.Equal(0, PhotoMeasures.Sharpness(full([1, 3, 20, 20], 0.5f)), 1e-3);

        static int Bits(ulong a, ulong b) => System.Numerics.BitOperations.PopCount(a ^ b);
    }

    private IReadOnlyDictionary<string, string> Words() => PhotoSources.ReadLabels(_folder.File("words.txt"));

    private IReadOnlyList<BuildLine> Build(
        string name,
        DataSetSettings settings,
        Action<BuildLine>? seen = null,
        CancellationToken cancel = default
    ) =>
        new DataSetBuilder(settings, _folder.File(name)).Build(
            PhotoSources.Find([_folder.File("in")], Words()),
            seen,
            progress: null,
            cancel
        );

    // Soft noise; "from" paints a larger one and shrinks it.
    private void Paint(string name, int width, int height, int seed, double blur = 1, int? from = null)
    {
        string path = _folder.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using Image noise = Image.Gaussnoise(
            from ?? width,
            from is null ? height : 96,
            sigma: 60,
            mean: 128,
            seed: seed
        );
        using Image soft = noise.Gaussblur(blur);
        using Image sized = from is { } side ? soft.Resize(width / (double)side, vscale: height / 96.0) : soft.Copy();
        using Image rgb = sized.Bandjoin(sized, sized).Cast(Enums.BandFormat.Uchar);
        using Image srgb = rgb.Copy(interpretation: Enums.Interpretation.Srgb);
        srgb.WriteToFile(path);
    }
}
