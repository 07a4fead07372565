using System.Buffers.Binary;
using Coser.Imaging;
using NetVips;
using TorchSharp;

namespace Coser.Tests.Imaging;

public sealed class HostileFileTests : TestPhotos
{
    private static readonly string[] Names = ["a.jpg", "a.png", "a.webp", "a.tif", "a.avif", "tiled.tif", "rgba.png"];

    public static TheoryData<string> Files() => new(Names);

    private byte[] Sound(string name)
    {
        using Image picture = Picture(48, 40, name == "rgba.png" ? 4 : 3)
            .Mutate(m =>
            {
                m.Set(GValue.BlobType, "icc-profile-data", Image.ProfileLoad("p3") is byte[] icc ? icc : []);
                m.Set(GValue.RefStrType, "exif-ifd0-Artist", "Somebody (Somebody, ASCII, 9 components, 9 bytes)");
            });
        if (name == "tiled.tif")
            picture.Tiffsave(PathOf(name), tile: true, tileWidth: 16, tileHeight: 16);
        else
            Write(picture, name);
        return File.ReadAllBytes(PathOf(name));
    }

    // True when all of it could be read.
    private static bool Survives(string path)
    {
        try
        {
            using Photo photo = Photo.Open(path, new PhotoLimits { MaxPixels = 1 << 20 });
            using torch.Tensor pixels = photo.Read(new PixelArea(0, 0, photo.Width, photo.Height));
            PhotoRecord.Read(path);
            return true;
        }
        catch (PhotoException e)
        {
            Assert.StartsWith(path, e.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', e.Message);
            Assert.Null(PhotoRecord.Read(path));
            return false;
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void A_file_that_is_cut_off_is_refused(string name)
    {
        byte[] sound = Sound(name);
        string path = PathOf("cut-" + name);
        for (int i = 0; i < 40; i++)
        {
            int length = i < 12 ? i : sound.Length * i / 40;
            File.WriteAllBytes(path, sound[..length]);
            Assert.False(Survives(path), $"{name} cut to {length} of {sound.Length} bytes was read");
        }
        File.WriteAllBytes(path, sound);
        Assert.True(Survives(path));
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Damage_anywhere_is_refused_or_read_but_nothing_else(string name)
    {
        byte[] sound = Sound(name);
        string path = PathOf("bad-" + name);
        for (int seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            byte[] bad = [.. sound];
            for (int i = 0; i < 1 + (seed % 5); i++)
                bad[random.Next(seed % 2 == 0 ? bad.Length : Math.Min(bad.Length, 200))] = (byte)random.Next(256);
            File.WriteAllBytes(path, bad);
            Survives(path);
        }
    }

    [Fact]
    public void Damaged_JPEG_data_is_never_passed_over_in_silence()
    {
        byte[] sound = Sound("a.jpg");
        int data = sound.AsSpan().LastIndexOf((ReadOnlySpan<byte>)[0xFF, 0xDA]) + 20;
        string path = PathOf("bad.jpg");
        int told = 0;
        for (int at = data; at < sound.Length - 2; at += 37)
        {
            byte[] bad = [.. sound];
            bad.AsSpan(at, 1).Fill(0xFF);
            File.WriteAllBytes(path, bad);
            try
            {
                using Photo photo = Photo.Open(path);
                told += photo.Notes.Count;
            }
            catch (PhotoException)
            {
                told++;
            }
        }
        Assert.True(told > 0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Damaged_TIFF_data_is_refused(bool tiled)
    {
        using Image picture = Picture(512, 512);
        picture.Tiffsave(
            PathOf("t.tif"),
            tile: tiled,
            tileWidth: 64,
            tileHeight: 64,
            compression: Enums.ForeignTiffCompression.Deflate
        );
        byte[] bytes = File.ReadAllBytes(PathOf("t.tif"));
        bytes.AsSpan(bytes.Length / 3, bytes.Length / 4).Fill(0x5A);
        File.WriteAllBytes(PathOf("bad.tif"), bytes);
        Assert.Throws<PhotoException>(() => Photo.Open(PathOf("bad.tif")));
    }

    [Fact]
    public void The_content_counts_and_not_the_extension()
    {
        File.WriteAllBytes(PathOf("really-png.jpg"), Sound("a.png"));
        using Photo photo = Photo.Open(PathOf("really-png.jpg"));
        Assert.Equal(PhotoFormat.Png, photo.Format);
    }

    [Theory]
    [InlineData("empty.png", "")]
    [InlineData("text.jpg", "this is no photo")]
    [InlineData("a.svg", "<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'/>")]
    [InlineData("a.csv", "1,2,3\n4,5,6\n")]
    [InlineData("a.pdf", "%PDF-1.4\n")]
    [InlineData("a.mat", "3 1\n1 2 3\n")]
    [InlineData("a.gif", "GIF89a")]
    [InlineData("a.webp", "RIFF\u0010\0\0\0WEBPVP8 ")]
    [InlineData("a.avif", "\0\0\0\u0020ftypavif\0\0\0\0avif")]
    public void What_is_no_photo_is_refused(string name, string content)
    {
        File.WriteAllText(PathOf(name), content);
        Assert.False(Survives(PathOf(name)));
    }

    [Fact]
    public void Folders_and_missing_files_are_refused()
    {
        Assert.Contains(
            "folder",
            Assert.Throws<PhotoException>(() => Photo.Open(Folder)).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "no such file",
            Assert.Throws<PhotoException>(() => Photo.Open(PathOf("none.png"))).Message,
            StringComparison.Ordinal
        );
        Assert.Throws<PhotoException>(() => Photo.Open(PathOf("none/none.png")));
        Assert.Throws<PhotoException>(() => Photo.Open("bad\0name.png"));
        Assert.Null(PhotoRecord.Read(Folder));
        Assert.Null(PhotoRecord.Read(PathOf("none.png")));
    }

    [Fact]
    public void A_huge_PNG_header_is_refused_before_anything_is_decoded()
    {
        byte[] png = Sound("a.png");
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(16), 60_000);
        BinaryPrimitives.WriteInt32BigEndian(png.AsSpan(20), 60_000);
        BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), Crc(png.AsSpan(12, 17)));
        File.WriteAllBytes(PathOf("huge.png"), png);
        long before = GC.GetTotalAllocatedBytes();
        string message = Assert.Throws<PhotoException>(() => Photo.Open(PathOf("huge.png"))).Message;
        Assert.Contains("60000 x 60000", message, StringComparison.Ordinal);
        Assert.Contains("268435456", message, StringComparison.Ordinal);
        Assert.Contains("--max-pixels", message, StringComparison.Ordinal);
        Assert.True(GC.GetTotalAllocatedBytes() - before < 1 << 20);
    }

    [Theory]
    [InlineData(1_000_000, 1_000_000)]
    [InlineData(int.MaxValue, int.MaxValue)]
    [InlineData(0, 10)]
    [InlineData(-1, -1)]
    [InlineData(99_000_000, 1)]
    public void Absurd_TIFF_dimensions_are_refused(int width, int height)
    {
        // Width, height and bits of one strip that is not there.
        (ushort Tag, ushort Type, int Value)[] tags =
        [
            (256, 4, width),
            (257, 4, height),
            (258, 3, 8),
            (259, 3, 1),
            (262, 3, 1),
            (273, 4, 8),
            (277, 3, 1),
            (278, 4, height),
            (279, 4, 100),
        ];
        byte[] tiff = new byte[8 + 2 + (tags.Length * 12) + 4];
        "II*\0"u8.CopyTo(tiff);
        BinaryPrimitives.WriteInt32LittleEndian(tiff.AsSpan(4), 8);
        BinaryPrimitives.WriteUInt16LittleEndian(tiff.AsSpan(8), (ushort)tags.Length);
        for (int i = 0; i < tags.Length; i++)
        {
            Span<byte> entry = tiff.AsSpan(10 + (i * 12));
            BinaryPrimitives.WriteUInt16LittleEndian(entry, tags[i].Tag);
            BinaryPrimitives.WriteUInt16LittleEndian(entry[2..], tags[i].Type);
            BinaryPrimitives.WriteInt32LittleEndian(entry[4..], 1);
            BinaryPrimitives.WriteInt32LittleEndian(entry[8..], tags[i].Value);
        }
        File.WriteAllBytes(PathOf("absurd.tif"), tiff);
        Assert.Throws<PhotoException>(() => Photo.Open(PathOf("absurd.tif")));
    }

    [Fact]
    public void The_limit_can_be_raised_and_lowered()
    {
        string path = Write(Picture(48, 40), "a.png");
        Assert.Throws<PhotoException>(() => Photo.Open(path, new PhotoLimits { MaxPixels = 1919 }));
        Photo.Open(path, new PhotoLimits { MaxPixels = 1920 }).Dispose();
    }

    private static uint Crc(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte b in data)
        {
            crc ^= b;
            for (int i = 0; i < 8; i++)
                crc = (crc >> 1) ^ (0xEDB88320 & (uint)-(int)(crc & 1));
        }
        return ~crc;
    }
}
