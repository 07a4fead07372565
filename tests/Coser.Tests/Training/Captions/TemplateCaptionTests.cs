using Coser.Training.Captions;
using Coser.Training.Data;
using Coser.Training.Runs;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Training.Captions;

public sealed class TemplateCaptionTests : IDisposable
{
    private static readonly (int R, int G, int B)[] Colours =
    [
        (210, 20, 30),
        (255, 220, 0),
        (128, 0, 128),
        (250, 250, 250),
        (255, 140, 0),
        (255, 105, 180),
    ];

    private readonly DisposeScope _scope = NewDisposeScope();
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Captions_of_one_class_differ_and_name_the_class()
    {
        var source = new TemplateCaptions(3, seed: 1);
        string[][] captions =
        [
            .. Colours.Select((_, i) => source.Describe(Flower(i), Entry($"{i}.png", "Tiger Lily")).ToArray()),
        ];
        Assert.All(captions, c => Assert.Equal(3, c.Distinct(StringComparer.Ordinal).Count()));
        Assert.All(captions.SelectMany(c => c), c => Assert.Contains("tiger lily", c, StringComparison.Ordinal));
        // No two flowers share all that is said of them, and most captions are of one photo alone.
        Assert.Equal(
            Colours.Length,
            captions.Select(c => string.Join('|', c)).Distinct(StringComparer.Ordinal).Count()
        );
        Assert.True(captions.SelectMany(c => c).Distinct(StringComparer.Ordinal).Count() >= 12);
        string all = string.Join('|', captions[0]);
        Assert.DoesNotContain("yellow", all, StringComparison.Ordinal);
        Assert.DoesNotContain("purple", all, StringComparison.Ordinal);
        Assert.Contains("red", string.Join('|', Many(0)), StringComparison.Ordinal);
        Assert.Contains("background", string.Join('|', Many(0)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_photo_without_a_label_is_described_by_its_pixels()
    {
        IReadOnlyList<string> captions = new TemplateCaptions(8, seed: 1).Describe(Flower(0), Entry("a.png", ""));
        Assert.All(captions, c => Assert.Matches("^(a|an) .*(photo|picture|image|close-up)", c));
        Assert.Contains(captions, c => c.Contains("red", StringComparison.Ordinal));
    }

    [Fact]
    public void A_colour_in_the_label_is_not_doubled()
    {
        IReadOnlyList<string> captions = new TemplateCaptions(8, seed: 1).Describe(
            Flower(0),
            Entry("a.png", "Red Bell Pepper")
        );
        Assert.DoesNotContain(captions, c => c.Contains("red red", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("airplane", "an airplane")]
    [InlineData("buildings", "buildings")]
    [InlineData("hibiscus", "a hibiscus")]
    [InlineData("colt's foot", "a colt's foot")]
    [InlineData("sea", "the sea")]
    [InlineData("Yorkshire terrier", "a yorkshire terrier")]
    [InlineData("unicycle", "a unicycle")]
    [InlineData("broccoli", "broccoli")]
    [InlineData("glass", "a glass")]
    public void Labels_get_their_article(string label, string phrase) => Assert.Equal(phrase, LabelWords.Phrase(label));

    [Fact]
    public void Captions_follow_from_seed_and_photo_whatever_the_order_or_the_threads()
    {
        PhotoIndex data = DataSet();
        string[] Run(string name, int workers, ulong seed)
        {
            string file = _folder.File(name);
            new CaptionRun(new TemplateCaptions(3, seed), filter: null, workers).Run(data, file, null, null, default);
            return File.ReadAllLines(file);
        }
        string[] one = Run("one.jsonl", 1, 7);
        Assert.Equal(data.Entries.Select(e => e.File), one.Select(l => PhotoCaptions.Parse(l).File));
        Assert.Equal(one, Run("four.jsonl", 4, 7));
        Assert.NotEqual(one, Run("other.jsonl", 1, 8));
        // The last photo alone, in another order of things.
        PhotoEntry last = data.Entries[^1];
        Assert.Equal(
            PhotoCaptions.Parse(one[^1]).Captions,
            new TemplateCaptions(3, 7).Describe(data.PathOf(last), last, default)
        );
    }

    [Fact]
    public void Mirrored_captions_stay_true() =>
        Assert.Equal(
            "a leftover with red on the right and blue on the left",
            CaptionMirror.Swap("a leftover with red on the left and blue on the right")
        );

    private static PhotoEntry Entry(string file, string label) => new(file, label, "test", "train");

    // A flower of its own colour on leaves of its own darkness.
    private static Tensor Flower(int i) =>
        PaintedPhotos.Disc(Colours[i], (x, y) => PaintedPhotos.Striped((20 + 12 * i, 90 + 15 * i, 30), x, y));

    private static IReadOnlyList<string> Many(int i) =>
        new TemplateCaptions(8, seed: 1).Describe(Flower(i), Entry("a.png", "tiger lily"));

    private PhotoIndex DataSet()
    {
        Directory.CreateDirectory(_folder.File("photos"));
        var lines = new List<string>();
        for (int i = 0; i < Colours.Length; i++)
        {
            SampleGrid.Save(Flower(i).to(float32) / 255, _folder.File($"photos/{i}.png"));
            lines.Add($$"""{"file":"{{i}}.png","label":"lily","source":"test","split":"train"}""");
        }
        File.WriteAllLines(_folder.File("index.jsonl"), lines);
        return PhotoIndex.Open(_folder.Path);
    }
}
