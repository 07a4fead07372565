using Coser.Imaging;
using Coser.Metrics.Catalogue;
using Coser.Metrics.Text;
using NetVips;
using static TorchSharp.torch;

namespace Coser.Tests.Metrics;

public sealed class TextMetricTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Another_word_in_the_same_place_is_a_change_and_an_unreadable_one_is_not()
    {
        TextWord[] before =
        [
            new("EXIT", 95, 0, 0, 40, 10),
            new("PARKING", 90, 0, 20, 70, 10),
            new("Bread", 88, 0, 40, 50, 10),
            new("Zone", 91, 0, 60, 40, 10),
            new("maybe", 40, 0, 80, 50, 10), // not surely read
            new("at", 99, 0, 100, 20, 10), // too short
        ];
        TextWord[] after =
        [
            new("EXAT", 90, 1, 0, 40, 11),
            new("PARK", 90, 0, 20, 40, 10), // the rest of the word is gone
            new("Bread", 30, 0, 40, 50, 10), // not surely read any more
            new("ZONE,", 80, 100, 60, 40, 10), // elsewhere
            new("other", 99, 0, 80, 50, 10),
            new("it", 99, 0, 100, 20, 10),
        ];
        TextComparison found = TextComparison.Of(before, after);
        Assert.Equal(4, found.Readable);
        Assert.Equal([new ChangedWord("EXIT", "EXAT")], found.Changed);
        Assert.Equal(3, found.Lost);
    }

    [Fact]
    public void Neither_case_nor_cuts_between_words_nor_lookalikes_are_changes()
    {
        TextWord[] before = [new("No-Smoking", 90, 0, 0, 100, 10), new("100ml", 90, 0, 20, 50, 10)];
        TextWord[] after =
        [
            new("SMOKING", 90, 35, 0, 65, 10),
            new("NO", 90, 0, 0, 30, 10),
            new("1OOmI", 90, 0, 20, 50, 10),
        ];
        TextComparison found = TextComparison.Of(before, after);
        Assert.Equal((2, 0, 0), (found.Readable, found.Changed.Count, found.Lost));
    }

    [Fact]
    public void The_programs_table_becomes_words()
    {
        const string Table =
            "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
            + "1\t1\t0\t0\t0\t0\t0\t0\t640\t160\t-1\t\n"
            + "5\t1\t1\t1\t1\t1\t36\t48\t171\t44\t96.5\tEXIT\n"
            + "5\t1\t1\t1\t1\t2\t36\t48\t171\t44\t95\t \r\n";
        Assert.Equal([new TextWord("EXIT", 96.5, 36, 48, 171, 44)], TesseractReader.Words(Table));
    }

    [Fact]
    public void Without_the_program_or_its_language_the_check_is_absent_and_says_what_to_install()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the programs are shell scripts");
        Assert.Null(TesseractReader.Find("no-such-tesseract", "eng", out string wanted));
        Assert.Contains("apt install tesseract-ocr", wanted, StringComparison.Ordinal);
        Assert.Null(TesseractReader.Find(Fake(""), "eng+tlh", out wanted));
        Assert.Contains("tesseract-ocr-tlh", wanted, StringComparison.Ordinal);
        using MetricSet set = MetricSet.Open(new MetricSetOptions { Tesseract = "no-such-tesseract" });
        Assert.Contains(set.Absent, a => a.Title == TextMetric.Title);
        Assert.DoesNotContain(set.Images, m => m.Info.Key == TextMetric.Key);
    }

    [Fact]
    public void Words_that_read_otherwise_are_counted_and_named()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the programs are shell scripts");
        ImageMetric metric = Metric(Fake(""));
        using Tensor sign = full([1, 3, 80, 120], 0.2, dtype: float32);
        using Tensor other = full([1, 3, 80, 120], 0.8, dtype: float32);
        using Tensor blank = full([1, 3, 80, 120], 0.5, dtype: float32);
        // The fake reads by brightness: EXIT in the dark, EXAT in the light, nothing in between.
        Measurement changed = metric.Measure(other, sign);
        Assert.Equal(1, changed.Value);
        Assert.Equal(["\"EXIT\" reads \"EXAT\""], changed.Notes);
        Assert.Equal(0, metric.Measure(sign, sign).Value);
        Assert.Equal(0, metric.Measure(blank, sign).Value);
        Assert.Equal(double.NaN, metric.Measure(sign, blank).Value);
        using Tensor small = zeros(1, 3, 32, 100);
        Assert.Throws<ArgumentException>(() => metric.Measure(small, small));
    }

    [Fact]
    public void A_program_that_fails_is_named_with_its_own_words()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the programs are shell scripts");
        ImageMetric metric = Metric(Fake("echo 'no memory' >&2; exit 3"));
        using Tensor sign = zeros(1, 3, 80, 120);
        string message = Assert.Throws<InvalidDataException>(() => metric.Measure(sign, sign)).Message;
        Assert.Contains("(3): no memory", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tesseract_itself_sees_a_changed_sign()
    {
        TesseractReader? reader = TesseractReader.Find("tesseract", "eng", out string wanted);
        Assert.SkipWhen(reader is null, wanted);
        ImageMetric metric = TextMetric.Create(reader);
        using Tensor truth = Sign("FIRE EXIT");
        using Tensor same = Sign("FIRE EXIT");
        using Tensor other = Sign("WIRE EDIT");
        using Tensor nothing = ones(1, 3, 160, 640);
        Assert.Contains(reader.Read(truth), w => w is { Text: "EXIT", Confidence: > 80 });
        Assert.Equal(0, metric.Measure(same, truth).Value);
        Measurement found = metric.Measure(other, truth);
        Assert.Equal(2, found.Value);
        Assert.Contains("\"EXIT\" reads \"EDIT\"", found.Notes!);
        // Gone is not changed; and what was never there is not judged.
        Assert.Equal(0, metric.Measure(nothing, truth).Value);
        Assert.Equal(double.NaN, metric.Measure(truth, nothing).Value);
    }

    private static ImageMetric Metric(string program) =>
        TextMetric.Create(
            TesseractReader.Find(program, "eng", out string wanted) ?? throw new InvalidOperationException(wanted)
        );

    // Answers as tesseract does. Its PNG holds one colour: the size of the file does not say which, its pixels do.
    private string Fake(string fails)
    {
        string path = _folder.File($"fake-{Guid.NewGuid():n}");
        string dark = Convert.ToHexStringLower(PixelsOf(0.2));
        string light = Convert.ToHexStringLower(PixelsOf(0.8));
        File.WriteAllText(
            path,
            $$"""
            #!/bin/sh
            case "$1" in
            --version) echo "tesseract 9.9"; exit 0 ;;
            --list-langs) echo "List of available languages (1):"; echo eng; exit 0 ;;
            esac
            {{fails}}
            case $(sha256sum < "$1" | cut -c1-64) in
            {{dark}}) word=EXIT ;;
            {{light}}) word=EXAT ;;
            *) exit 0 ;;
            esac
            printf '5\t1\t1\t1\t1\t1\t10\t10\t80\t30\t96\t%s\n' $word
            """
        );
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return path;
    }

    // The file the reader will write for such an image, hashed: 120 x 80, enlarged twice.
    private byte[] PixelsOf(double level)
    {
        string file = _folder.File("flat.png");
        using Tensor flat = full([1, 3, 160, 240], level, dtype: float32);
        using (Photo photo = Photo.FromPixels(flat))
            photo.Save(file, new SaveOptions { Overwrite = true });
        return System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file));
    }

    // Black letters on white, 640 x 160.
    private static Tensor Sign(string words)
    {
        using Image letters = Image.Text(words, font: "DejaVu Sans Bold 48", dpi: 72);
        using Image white = letters.Invert();
        using Image page = white.Gravity(Enums.CompassDirection.Centre, 640, 160, extend: Enums.Extend.White);
        byte[] pixels = page.WriteToMemory<byte>();
        using var scope = NewDisposeScope();
        return tensor(pixels).to(float32).div(255).view(1, 1, 160, 640).repeat(1, 3, 1, 1).MoveToOuterDisposeScope();
    }
}
