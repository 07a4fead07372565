using System.Formats.Tar;
using System.Text;
using Coser.Imaging;
using Coser.Training.Captions;
using Coser.Training.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Training;

public sealed class TarShardTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TarShardTests()
    {
        SmallDataSet.Write(_folder.File("data"));
        // Long names, dots in them, and two that differ in a dot alone.
        string deep = new string('d', 80) + "/" + new string('e', 60);
        Directory.CreateDirectory(_folder.File("data/photos/" + deep));
        string[] names = ["a.b.png", "a_b.png", deep + "/Ünter.png"];
        foreach (string name in names)
            File.Copy(_folder.File("data/photos/0.png"), _folder.File("data/photos/" + name));
        File.AppendAllLines(
            _folder.File("data/index.jsonl"),
            names.Select(n => $$"""{"file":"{{n}}","label":"fög","source":"test","split":"train"}""")
        );
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Shards_hold_the_same_photos_and_entries_as_the_folder()
    {
        PhotoIndex folder = PhotoIndex.Open(_folder.File("data"));
        int shards = TarShardWriter.Write(folder, _folder.File("shards"), 40_000, null, CancellationToken.None);
        Assert.InRange(shards, 2, 8);
        Assert.Equal(shards, Directory.GetFiles(_folder.File("shards"), "*.tar").Length);
        foreach (int time in new[] { 0, 1 }) // by the headers, and by what was kept of them
        {
            PhotoIndex data = PhotoIndex.Open(_folder.File("shards"));
            Assert.Equal(folder.Entries, data.Entries);
            foreach (PhotoEntry entry in data.Entries)
            {
                Assert.Equal(folder.Read(entry), data.Read(entry));
                using Tensor one = TrainingPhoto.Load(folder, entry);
                using Tensor other = TrainingPhoto.Load(data, entry);
                Assert.True(one.equal(other).all().item<bool>());
            }
            Assert.True(File.Exists(_folder.File("shards/shards.jsonl")), $"{time}");
        }
        // Shards of shards, and equal bytes for equal data.
        TarShardWriter.Write(PhotoIndex.Open(_folder.File("shards")), _folder.File("again"), 40_000, null, default);
        foreach (string shard in Directory.GetFiles(_folder.File("shards"), "*.tar"))
            Assert.Equal(File.ReadAllBytes(shard), File.ReadAllBytes(_folder.File("again/" + Path.GetFileName(shard))));
        var refused = Assert.Throws<InvalidDataException>(() =>
            TarShardWriter.Write(folder, _folder.File("again"), 40_000, null, default)
        );
        Assert.Contains("-o", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Other_peoples_shards_are_read_by_the_convention()
    {
        byte[] photo = File.ReadAllBytes(_folder.File("data/photos/1.png"));
        WriteTar(
            "wds/train-0.tar",
            ("n1/001.png", photo),
            ("n1/001.cls", "fog\n"u8.ToArray()),
            ("n1/001.txt", "a photo of fog"u8.ToArray()),
            ("n1/002.json", """{"label":"mist","width":64}"""u8.ToArray()),
            ("n1/002.png", photo),
            ("n1/003.txt", "a caption without a photo"u8.ToArray())
        );
        WriteTar("wds/val-0.tar", ("x.depth.png", photo));
        PhotoIndex data = PhotoIndex.Open(_folder.File("wds"));
        Assert.Equal(
            [new PhotoEntry("n1/001.png", "fog", "", "train"), new PhotoEntry("n1/002.png", "mist", "", "train")],
            data.Split("train")
        );
        Assert.Empty(data.Split("validation")); // "x.depth.png" is no photo but something of x
        Assert.Equal(photo, data.Read(data.Entries[1]));
        using (PhotoFile file = data.AsFile(data.Entries[0]))
        {
            Assert.Equal(photo, File.ReadAllBytes(file.Path));
            Assert.EndsWith(".png", file.Path, StringComparison.Ordinal);
            file.Dispose();
            Assert.False(File.Exists(file.Path));
        }
        Assert.Throws<InvalidOperationException>(() => data.PathOf(data.Entries[0]));
        CaptionTotals totals = new CaptionRun(new TemplateCaptions(2, 1), null, 2).Run(
            data,
            _folder.File("captions.jsonl"),
            null,
            null,
            CancellationToken.None
        );
        Assert.Equal(2, totals.Described);
    }

    [Fact]
    public void A_shard_that_changes_is_read_anew_and_a_damaged_one_is_named()
    {
        byte[] photo = File.ReadAllBytes(_folder.File("data/photos/1.png"));
        WriteTar("wds/a.tar", ("1.png", photo));
        Assert.Single(PhotoIndex.Open(_folder.File("wds")).Entries);
        WriteTar("wds/a.tar", ("1.png", photo), ("2.png", "no photo"u8.ToArray()));
        PhotoIndex data = PhotoIndex.Open(_folder.File("wds"));
        Assert.Equal(2, data.Entries.Count);
        var broken = Assert.Throws<PhotoException>(() => TrainingPhoto.Load(data, data.Entries[1]));
        Assert.Contains("a.tar:2.png", broken.Message, StringComparison.Ordinal);

        WriteTar("wds/b.tar", ("1.png", photo));
        Assert.Contains("second '1.png'", Refused(), StringComparison.Ordinal);
        File.WriteAllText(_folder.File("wds/b.tar"), new string('x', 2000));
        Assert.Contains("b.tar", Refused(), StringComparison.Ordinal);
        WriteTar("none/a.tar", ("1.txt", "x"u8.ToArray()));
        Assert.Throws<InvalidDataException>(() => PhotoIndex.Open(_folder.File("none")));

        // Cut off after it was indexed.
        File.Delete(_folder.File("wds/b.tar"));
        data = PhotoIndex.Open(_folder.File("wds"));
        using (FileStream file = File.OpenWrite(_folder.File("wds/a.tar")))
            file.SetLength(600);
        Assert.Contains("cut off", Assert.Throws<PhotoException>(() => data.Read(data.Entries[0])).Message);

        string Refused() => Assert.Throws<InvalidDataException>(() => PhotoIndex.Open(_folder.File("wds"))).Message;
    }

    [Theory]
    [InlineData(".jpg")]
    [InlineData(".png")]
    [InlineData(".webp")]
    [InlineData(".tif")]
    [InlineData(".avif")]
    [InlineData(".gif")]
    public void A_photo_in_memory_has_the_pixels_of_its_file(string extension)
    {
        string path = _folder.File("photo" + extension);
        using (NetVips.Image photo = NetVips.Image.NewFromFile(_folder.File("data/photos/2.png")))
            photo.WriteToFile(path);
        byte[] bytes = File.ReadAllBytes(path);
        using Photo file = Photo.Open(path);
        using Photo memory = Photo.Open(bytes, "in memory");
        var all = new PixelArea(0, 0, 64, 64);
        using Tensor difference = (file.Read(all) - memory.Read(all)).abs().max();
        Assert.Equal(0, difference.item<float>());
        Assert.Equal(file.Format, memory.Format);
        var cut = Assert.Throws<PhotoException>(() => Photo.Open(bytes[..40], "in memory"));
        Assert.StartsWith("in memory: ", cut.Message, StringComparison.Ordinal);
        Assert.Throws<PhotoException>(() => Photo.Open([], "in memory"));
    }

    private void WriteTar(string name, params (string Name, byte[] Bytes)[] members)
    {
        string path = _folder.File(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var tar = new TarWriter(File.Create(path), TarEntryFormat.Pax);
        foreach ((string member, byte[] bytes) in members)
        {
            using var data = new MemoryStream(bytes);
            tar.WriteEntry(new PaxTarEntry(TarEntryType.RegularFile, member) { DataStream = data });
        }
    }
}
