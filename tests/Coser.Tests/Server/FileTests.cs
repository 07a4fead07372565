using System.Net;
using System.Net.Http.Headers;
using Coser.Client.Contract;
using Coser.Imaging;
using NetVips;

namespace Coser.Tests.Server;

/// <summary>Files as they are, and as a browser sees them.</summary>
public sealed class FileTests
{
    [Fact]
    public async Task A_file_comes_whole_in_part_and_by_its_tag()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        string path = server.Picture("ü \"a\".png");
        JobView job = await server.Client.SubmitAsync(path);
        byte[] sent = await File.ReadAllBytesAsync(path);
        FileView input = job.Files.Single();
        Assert.Equal((FileView.InputRole, sent.Length), (input.Role, input.Bytes));
        using HttpResponseMessage whole = await server.Http.GetAsync(input.Url);
        Assert.Equal(sent, await whole.Content.ReadAsByteArrayAsync());
        Assert.Equal("image/png", whole.Content.Headers.ContentType!.MediaType);
        ContentDispositionHeaderValue disposition = whole.Content.Headers.ContentDisposition!;
        Assert.Equal("attachment", disposition.DispositionType);
        Assert.Equal("ü \"a\".png", disposition.FileNameStar);
        Assert.Contains("immutable", whole.Headers.CacheControl!.ToString(), StringComparison.Ordinal);
        using (HttpResponseMessage shown = await server.Http.GetAsync(input.Url + "?inline=1"))
            Assert.Equal("inline", shown.Content.Headers.ContentDisposition!.DispositionType);

        using var part = new HttpRequestMessage(HttpMethod.Get, input.Url);
        part.Headers.Range = new RangeHeaderValue(2, 5);
        using HttpResponseMessage some = await server.Http.SendAsync(part);
        Assert.Equal(HttpStatusCode.PartialContent, some.StatusCode);
        Assert.Equal(sent[2..6], await some.Content.ReadAsByteArrayAsync());
        using var known = new HttpRequestMessage(HttpMethod.Get, input.Url);
        known.Headers.IfNoneMatch.Add(whole.Headers.ETag!);
        using HttpResponseMessage same = await server.Http.SendAsync(known);
        Assert.Equal(HttpStatusCode.NotModified, same.StatusCode);
    }

    [Fact]
    public async Task A_view_is_upright_sRGB_small_made_once_and_without_metadata()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        string path = server.Picture(
            "turned.jpg",
            600,
            300,
            m =>
            {
                m.Set(GValue.GIntType, "orientation", 6);
                m.Set(GValue.RefStrType, "exif-ifd0-Artist", "Ada (Ada, ASCII, 4 components, 4 bytes)");
            }
        );
        JobView job = await server.Client.SubmitAsync(path);
        Assert.Equal((300, 600), (job.Width, job.Height));
        string address = job.Files[0].ViewUrl;
        foreach (
            (int asked, int width, int height) in new[]
            {
                (100, 128, 256),
                (256, 128, 256),
                (257, 300, 600),
                (99999, 300, 600),
            }
        )
        {
            using HttpResponseMessage answer = await server.Http.GetAsync($"{address}?size={asked}");
            Assert.Equal("image/jpeg", answer.Content.Headers.ContentType!.MediaType);
            using Image view = Image.NewFromBuffer(await answer.Content.ReadAsByteArrayAsync());
            Assert.Equal((width, height), (view.Width, view.Height));
            Assert.False(view.Contains("orientation"));
            Assert.DoesNotContain(view.GetFields(), f => f.StartsWith("exif-", StringComparison.Ordinal));
        }
        string[] views = Directory.GetFiles(Path.Combine(server.Store.Folder, "views"));
        Assert.Equal(3, views.Length); // 256, 1024, 4096
        DateTime[] written = [.. views.Select(File.GetLastWriteTimeUtc)];
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => server.Http.GetByteArrayAsync(address + "?size=256")));
        Assert.Equal(written, views.Select(File.GetLastWriteTimeUtc));
        using HttpResponseMessage none = await server.Http.GetAsync(address + "?size=0");
        Assert.Equal(HttpStatusCode.BadRequest, none.StatusCode);
    }

    [Theory]
    [InlineData("a.tif", "image/jpeg")]
    [InlineData("a.webp", "image/jpeg")]
    [InlineData("clear.png", "image/webp")]
    [InlineData("sixteen.png", "image/jpeg")]
    public async Task Every_kind_of_photo_becomes_one_that_browsers_show(string name, string type)
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        string path = server.File(name);
        using (Image noise = Image.Gaussnoise(40, 30, mean: 128, sigma: 30, seed: 3))
        {
            using Image rgb = noise.Bandjoin(noise, noise);
            using Image made = name switch
            {
                "clear.png" => rgb.Bandjoin(noise)
                    .Cast(Enums.BandFormat.Uchar)
                    .Copy(interpretation: Enums.Interpretation.Srgb),
                "sixteen.png" => (rgb * 257)
                    .Cast(Enums.BandFormat.Ushort)
                    .Copy(interpretation: Enums.Interpretation.Rgb16),
                _ => rgb.Cast(Enums.BandFormat.Uchar).Copy(interpretation: Enums.Interpretation.Srgb),
            };
            made.WriteToFile(path);
        }
        JobView job = await server.Client.SubmitAsync(path);
        using HttpResponseMessage answer = await server.Http.GetAsync(job.Files[0].ViewUrl);
        Assert.Equal(type, answer.Content.Headers.ContentType!.MediaType);
        using Image view = Image.NewFromBuffer(await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal((40, 30), (view.Width, view.Height));
        Assert.Equal(Enums.BandFormat.Uchar, view.Format);
    }

    [Fact]
    public async Task Of_a_photo_that_is_damaged_inside_the_view_shows_what_is_left()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        byte[] sound = await File.ReadAllBytesAsync(server.Picture("a.png", 200, 200));
        JobView job = await server.Client.SubmitAsync(new MemoryStream(sound[..(sound.Length / 2)]), "half.png");
        using Image view = Image.NewFromBuffer(await server.Http.GetByteArrayAsync(job.Files[0].ViewUrl));
        Assert.Equal((200, 200), (view.Width, view.Height));
        Assert.True(view.ExtractArea(0, 0, 200, 50).Deviate() > 10);
        Assert.True(view.ExtractArea(0, 180, 200, 20).Deviate() < 1);
    }

    [Fact]
    public void A_header_is_read_without_the_pixels()
    {
        using var folder = new TemporaryFolder();
        using Image noise = Image.Gaussnoise(31, 20, mean: 128, sigma: 30).Cast(Enums.BandFormat.Uchar);
        noise.Mutate(m => m.Set(GValue.GIntType, "orientation", 8)).Jpegsave(folder.File("a.jpg"));
        Assert.Equal(new PhotoHeader(20, 31, PhotoFormat.Jpeg), PhotoHeader.Read(folder.File("a.jpg")));
        noise.Gifsave(folder.File("a.gif"));
        Assert.Equal(new PhotoHeader(31, 20, null), PhotoHeader.Read(folder.File("a.gif")));
        File.WriteAllText(folder.File("b.jpg"), "no photo");
        Assert.True(Assert.Throws<PhotoException>(() => PhotoHeader.Read(folder.File("b.jpg"))).IsNoPhoto);
        Assert.False(Assert.Throws<PhotoException>(() => PhotoHeader.Read(folder.File("c.jpg"))).IsNoPhoto);
    }
}
