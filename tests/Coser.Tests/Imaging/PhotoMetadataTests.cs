using System.Text;
using Coser.Imaging;
using NetVips;

namespace Coser.Tests.Imaging;

public sealed class PhotoMetadataTests : TestPhotos
{
    private const string Xmp =
        "<?xpacket begin='\uFEFF' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'>"
        + "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='urn:photo' "
        + "xmlns:dc='http://purl.org/dc/elements/1.1/' xmlns:tiff='http://ns.adobe.com/tiff/1.0/' "
        + "xmlns:exif='http://ns.adobe.com/exif/1.0/' tiff:Orientation='6' dc:format='image/jpeg'>"
        + "<exif:PixelXDimension>24</exif:PixelXDimension></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end='w'?>";

    // The caption "ABC" as a bare IPTC record.
    private static readonly byte[] Iptc = [0x1C, 2, 120, 0, 3, 65, 66, 67];

    private static Image WithMetadata(string xmp = Xmp) =>
        Picture(24, 16)
            .Copy(xres: 300 / 25.4, yres: 300 / 25.4)
            .Mutate(m =>
            {
                m.Set(GValue.BlobType, "xmp-data", Encoding.UTF8.GetBytes(xmp));
                m.Set(GValue.RefStrType, "exif-ifd0-Artist", "Ada (Ada, ASCII, 4 components, 4 bytes)");
                m.Set(GValue.RefStrType, "exif-ifd2-ISOSpeedRatings", "200 (200, Short, 1 components, 2 bytes)");
                m.Set(GValue.RefStrType, "exif-ifd2-PixelXDimension", "24 (24, Long, 1 components, 4 bytes)");
                m.Set(GValue.BlobType, "jpeg-thumbnail-data", Picture(8, 8).JpegsaveBuffer(q: 50));
            });

    private static string Text(Image image, string field) => image.Contains(field) ? (string)image.Get(field) : "";

    private static string Packet(Image image) => Encoding.UTF8.GetString((byte[])image.Get("xmp-data"));

    public static TheoryData<string> Outputs() => new("o.jpg", "o.png", "o.webp", "o.tif", "o.avif");

    [Theory]
    [MemberData(nameof(Outputs))]
    public void EXIF_XMP_and_resolution_come_along(string name)
    {
        string input = Write(WithMetadata(), "a.jpg");
        using (Image check = Image.NewFromFile(input))
            Assert.True(check.Contains("jpeg-thumbnail-data"));
        using Image output = Image.NewFromFile(Enlarge(input, name));
        string packet = Packet(output);
        Assert.Contains("image/jpeg", packet, StringComparison.Ordinal);
        Assert.Contains("Orientation=\"1\"", packet, StringComparison.Ordinal);
        Assert.Contains("PixelXDimension>96<", packet, StringComparison.Ordinal);
        Assert.False(output.Contains("jpeg-thumbnail-data"));
        Assert.DoesNotContain(output.GetFields(), f => f.StartsWith("exif-ifd1", StringComparison.Ordinal));
        if (name == "o.tif")
        {
            // libvips' TIFF saver knows no EXIF.
            Assert.Equal(300 / 25.4, output.Xres, 0.01);
            return;
        }
        Assert.StartsWith("Ada", Text(output, "exif-ifd0-Artist"), StringComparison.Ordinal);
        Assert.StartsWith("200", Text(output, "exif-ifd2-ISOSpeedRatings"), StringComparison.Ordinal);
        Assert.StartsWith("96 ", Text(output, "exif-ifd2-PixelXDimension"), StringComparison.Ordinal);
        string resolution = Text(output, "exif-ifd0-XResolution").Split(' ')[0];
        double[] fraction = [.. resolution.Split('/').Select(double.Parse)];
        double dpi = fraction.Length == 1 ? fraction[0] : fraction[0] / fraction[1];
        dpi *= Text(output, "exif-ifd0-ResolutionUnit").StartsWith('3') ? 2.54 : 1;
        Assert.Equal(300, dpi, 0.5);
    }

    [Theory]
    [InlineData("a.webp")]
    [InlineData("a.avif")]
    public void Resolution_is_taken_from_EXIF_where_the_format_has_none(string name)
    {
        string input = Write(WithMetadata(), name);
        using Image output = Image.NewFromFile(Enlarge(input, "o.jpg"));
        Assert.Equal(300 / 25.4, output.Xres, 0.05);
    }

    [Fact]
    public void TIFF_output_says_that_EXIF_stays_behind()
    {
        using Photo photo = Photo.Open(Write(WithMetadata(), "a.jpg"));
        photo.Save(PathOf("a.tif"));
        Assert.Contains(photo.Notes, n => n.Contains("EXIF", StringComparison.Ordinal));
    }

    [Fact]
    public void IPTC_changes_its_wrapping_between_TIFF_and_JPEG()
    {
        // Four times as long: libvips writes a quarter.
        byte[] padded = [.. Iptc, .. new byte[3 * Iptc.Length]];
        using Image tagged = Picture(8, 8).Mutate(m => m.Set(GValue.BlobType, "iptc-data", padded));
        string tiff = Write(tagged, "a.tif");
        string jpeg = Enlarge(tiff, "b.jpg");
        using (Image wrapped = Image.NewFromFile(jpeg))
        {
            byte[] block = (byte[])wrapped.Get("iptc-data");
            Assert.True(block.AsSpan().StartsWith("Photoshop 3.0\0"u8));
            Assert.True(block.AsSpan().IndexOf(Iptc) > 0);
        }
        using (Image again = Image.NewFromFile(Enlarge(jpeg, "c.jpg")))
            Assert.True(((byte[])again.Get("iptc-data")).AsSpan().IndexOf(Iptc) > 0);
        byte[] bare = TiffDirectory.Read(new EncodedPhoto(Enlarge(jpeg, "d.tif"))).Iptc!;
        Assert.Equal(Iptc, bare[..Iptc.Length]);
        Assert.Equal(Iptc.Length, bare.Length);
        using Photo photo = Photo.Open(jpeg);
        photo.Save(PathOf("e.png"));
        Assert.Contains(photo.Notes, n => n.Contains("IPTC", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Outputs))]
    public void The_record_is_read_back(string name)
    {
        const string Record = "{\"model\":\"coser-mini\",\"input\":\"<&>\u00e4\u65e5 \\\"x\\\"\"}\nsecond line";
        var options = new SaveOptions { Record = Record };
        // Into a photo without XMP, into one with, and in place of an older one.
        string plain = Write(Picture(12, 12), "plain.png");
        Assert.Null(PhotoRecord.Read(plain));
        Assert.Equal(Record, PhotoRecord.Read(Enlarge(plain, "1" + name, options)));
        string tagged = Enlarge(Write(WithMetadata(), "a.jpg"), "2" + name, options);
        Assert.Equal(Record, PhotoRecord.Read(tagged));
        using (Image output = Image.NewFromFile(tagged))
        {
            Assert.Contains("image/jpeg", Packet(output), StringComparison.Ordinal);
            Assert.Contains("about=\"urn:photo\" xmlns:coser", Packet(output), StringComparison.Ordinal);
        }
        string newer = Enlarge(tagged, "3" + name, new SaveOptions { Record = "new" });
        Assert.Equal("new", PhotoRecord.Read(newer));
        Assert.Null(PhotoRecord.Read(Enlarge(newer, "4" + name)));
        // Not lost with the file's name.
        File.Move(newer, PathOf("renamed"));
        Assert.Equal("new", PhotoRecord.Read(PathOf("renamed")));
    }

    [Theory]
    [InlineData("not xml at all")]
    [InlineData("<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")]
    [InlineData("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")]
    public void A_damaged_packet_is_kept_untouched_without_a_record(string xmp)
    {
        using Photo photo = Photo.Open(Write(WithMetadata(xmp), "a.png"));
        photo.Save(PathOf("b.png"), new SaveOptions { Record = "r" });
        Assert.Contains(photo.Notes, n => n.Contains("XMP", StringComparison.Ordinal));
        Assert.Null(PhotoRecord.Read(PathOf("b.png")));
        using Image output = Image.NewFromFile(PathOf("b.png"));
        Assert.Equal(xmp, Packet(output).TrimEnd('\0'));
    }

    [Fact]
    public void A_packet_too_large_for_JPEG_is_left_out_and_the_record_is_not()
    {
        string large = Xmp.Replace("image/jpeg", new string('x', 70_000), StringComparison.Ordinal);
        using Photo photo = Photo.Open(Write(WithMetadata(large), "a.png"));
        photo.Save(PathOf("b.jpg"), new SaveOptions { Record = "r" });
        Assert.Contains(photo.Notes, n => n.Contains("too large", StringComparison.Ordinal));
        Assert.Equal("r", PhotoRecord.Read(PathOf("b.jpg")));
        photo.Save(PathOf("b.png"), new SaveOptions { Record = "r" });
        Assert.Equal("r", PhotoRecord.Read(PathOf("b.png")));
    }
}
