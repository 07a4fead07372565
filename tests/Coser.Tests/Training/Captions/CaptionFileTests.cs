using Coser.Training.Captions;
using Coser.Training.Data;

namespace Coser.Tests.Training.Captions;

public sealed class CaptionFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _file;

    public CaptionFileTests()
    {
        SmallDataSet.Write(_folder.Path);
        _file = _folder.File("captions.jsonl");
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)] // only the end of the line is missing
    [InlineData(9)]
    [InlineData(40)]
    public void After_a_kill_the_cut_line_is_made_again_and_the_others_stay(int lost)
    {
        CaptionTotals whole = Run(new Counted());
        Assert.Equal((6, 0), (whole.Described, whole.Skipped));
        byte[] bytes = File.ReadAllBytes(_file);
        File.WriteAllBytes(_file, bytes[..^lost]);
        var source = new Counted();
        CaptionTotals again = Run(source);
        Assert.Equal((1, 5), (again.Described, again.Skipped));
        Assert.Equal(["5.png"], source.Asked);
        Assert.Equal(bytes, File.ReadAllBytes(_file));
    }

    [Fact]
    public void A_cut_line_is_not_read_as_captions()
    {
        Run(new Counted());
        File.WriteAllBytes(_file, File.ReadAllBytes(_file)[..^20]);
        var bad = Assert.Throws<InvalidDataException>(() => CaptionIndex.Open(_file));
        Assert.Contains("line 6", bad.Message);
        Assert.Contains("captions.jsonl", bad.Message);
    }

    [Theory]
    [InlineData("{\"file\":\"a\"}\n")]
    [InlineData("null\n")]
    [InlineData("hello\n")]
    public void Another_file_is_neither_read_nor_touched(string content)
    {
        File.WriteAllText(_file, content);
        Assert.Contains("line 1", Assert.Throws<InvalidDataException>(() => CaptionIndex.Open(_file)).Message);
        Assert.Contains("line 1", Assert.Throws<InvalidDataException>(() => Run(new Counted())).Message);
        Assert.Equal(content, File.ReadAllText(_file));
    }

    [Fact]
    public void The_index_gives_what_was_written()
    {
        using (var log = new CaptionLog(_file))
        {
            log.Append(new PhotoCaptions("0.png", ["one \"quoted\"", "zwei – ü"]));
            log.Append(new PhotoCaptions("4.png", []));
        }
        CaptionIndex index = CaptionIndex.Open(_file);
        Assert.Equal(["one \"quoted\"", "zwei – ü"], index["0.png"]);
        Assert.Empty(index["4.png"]);
        Assert.Empty(index["1.png"]);
        Assert.Equal(1, index.Photos);
        PhotoIndex data = PhotoIndex.Open(_folder.Path);
        Assert.Equal("0.png", Assert.Single(index.Split(data, "train")).File);
        Assert.Contains(
            "coser dataset captions",
            Assert.Throws<InvalidDataException>(() => index.Split(data, "validation")).Message
        );
    }

    [Fact]
    public void A_photo_that_fails_is_named_and_a_broken_source_stops_the_run()
    {
        var failures = new List<string>();
        CaptionTotals totals = Run(new Counted { Broken = ["2.png"] }, failures);
        Assert.Equal((5, 1), (totals.Described, totals.Failed));
        Assert.Equal("2.png: broken", Assert.Single(failures));
        Assert.Equal((1, 5), (Run(new Counted()).Described, 5));

        File.Delete(_file);
        var stopped = Assert.Throws<InvalidDataException>(() =>
            Run(new Counted { Broken = ["1.png", "2.png", "3.png", "4.png", "5.png"] })
        );
        Assert.Contains("5 photos in a row", stopped.Message);
        Assert.Equal("0.png", PhotoCaptions.Parse(Assert.Single(File.ReadAllLines(_file))).File);
    }

    private CaptionTotals Run(ICaptionSource source, List<string>? failures = null) =>
        new CaptionRun(source, filter: null, workers: 2).Run(
            PhotoIndex.Open(_folder.Path),
            _file,
            line => failures?.Add(line),
            progress: null,
            CancellationToken.None
        );

    private sealed class Counted : ICaptionSource
    {
        private readonly List<string> _asked = [];

        public string[] Broken { get; init; } = [];

        public IReadOnlyList<string> Asked => _asked;

        public IReadOnlyList<string> Describe(string path, PhotoEntry entry, CancellationToken cancel)
        {
            lock (_asked)
                _asked.Add(entry.File);
            return Broken.Contains(entry.File)
                ? throw new CaptionException(entry.File, "broken")
                : [$"a picture called {entry.File}", "another – words"];
        }
    }
}
