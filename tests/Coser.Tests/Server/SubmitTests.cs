using System.Buffers.Binary;
using System.IO.Compression;
using System.Net;
using System.Text;
using Coser.Client.Contract;
using Coser.Jobs.Model;

namespace Coser.Tests.Server;

/// <summary>What is taken in, and what is refused with which words.</summary>
public sealed class SubmitTests
{
    [Fact]
    public async Task A_key_hands_in_once_and_another_request_under_it_is_refused()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        JobView first = await server.SubmitAsync("a.png", key: "k 1".Replace(' ', '-'));
        JobView again = await server.SubmitAsync("a.png", key: "k-1");
        Assert.Equal(first.Id, again.Id);
        await ServerAssert.RefusedAsync(ProblemCode.IdempotencyConflict, () => server.SubmitAsync("b.png", key: "k-1"));
        JobView other = await server.SubmitAsync("a.png", key: "k-2");
        Assert.NotEqual(first.Id, other.Id);
        Assert.Equal(2, (await server.Client.ListAsync()).Counts["queued"]);
        foreach (string key in new[] { "", "a b", new string('x', 201) })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "api/v1/jobs");
            request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
            Assert.Equal(ProblemCode.BadOption, (await server.ProblemAsync(request)).Code);
        }
    }

    [Fact]
    public async Task A_photo_is_restored_once_more_without_being_sent_again()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        JobView first = await server.SubmitAsync("a.png");
        await using FileStream reference = File.OpenRead(server.Picture("reference.png", 20, 20));
        JobView withOwn = await server.Client.SubmitAgainAsync(first.Id, new JobSettings { Seed = 7 }, reference);
        Assert.Equal((first.Id, first.Id, "a.png"), (withOwn.From, withOwn.Root, withOwn.Name));
        Assert.Equal((ReferenceName.Photo, 7), (withOwn.Options.Reference, withOwn.Options.Seed));
        JobView third = await server.Client.SubmitAgainAsync(withOwn.Id);
        Assert.Equal((withOwn.Id, first.Id), (third.From, third.Root));
        Assert.Equal(ReferenceName.Photo, third.Options.Reference); // the same reference, too
        JobView fourth = await server.Client.SubmitAgainAsync(
            withOwn.Id,
            new JobSettings { Reference = ReferenceName.None }
        );
        Assert.Equal(ReferenceName.None, fourth.Options.Reference);
        Job stored = (await server.Ledger.FindAsync(fourth.Id))!;
        Assert.Null(stored.Request.ReferenceHash);
        Assert.Equal((12, 8), (third.Width, third.Height));
        JobPage runs = await server.Client.ListAsync(new() { Root = first.Id });
        Assert.Equal(4, runs.Jobs.Count);
        await ServerAssert.RefusedAsync(
            ProblemCode.NotFound,
            () => server.Client.SubmitAgainAsync("0123456789abcdef0123456789abcdef")
        );
    }

    public static TheoryData<string, string> Refused() =>
        new()
        {
            { """{"model":"no-such"}""", "options.model" },
            { """{"model":"../coser-mini"}""", "options.model" },
            { """{"model":"/etc"}""", "options.model" },
            { """{"scale":0}""", "options.scale" },
            { """{"scale":4.5}""", "options.scale" },
            { """{"steps":0}""", "options.steps" },
            { """{"guidance":0.5}""", "options.guidance" },
            { """{"fidelity":1.1}""", "options.fidelity" },
            { """{"quality":101}""", "options.quality" },
            { """{"tile":-1}""", "options.tile" },
            { """{"preset":"slow"}""", "preset" },
            { """{"preset":1}""", "preset" },
            { """{"sampler":"euler"}""", "sampler" },
            { """{"format":"bmp"}""", "format" },
            { """{"seed":"x"}""", "seed" },
            { """{"sede":1}""", "options" },
            { """{"reference":"photo"}""", "options.reference" },
            { """{"maxPixels":1}""", "options" },
            { "nonsense", "options" },
            { "null", "options" },
        };

    [Theory]
    [MemberData(nameof(Refused))]
    public async Task Options_that_cannot_be_are_named(string options, string named)
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        ProblemView problem = await server.ProblemAsync(Form(server, ("options", options)));
        Assert.Equal(ProblemCode.BadOption, problem.Code);
        Assert.Contains(named, problem.Detail, StringComparison.Ordinal);
        Assert.Equal(0, (await server.Client.ListAsync()).Counts["queued"]);
    }

    [Fact]
    public async Task Too_long_a_prompt_and_a_reference_against_its_source_are_refused()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        await ServerAssert.RefusedAsync(
            ProblemCode.BadOption,
            () => server.SubmitAsync("a.png", new JobSettings { Prompt = new string('x', 2001) })
        );
        await ServerAssert.RefusedAsync(
            ProblemCode.BadOption,
            () =>
                server.Client.SubmitAsync(
                    server.Picture("a.png"),
                    new JobSettings { Reference = ReferenceName.None },
                    server.Picture("b.png")
                )
        );
        await ServerAssert.RefusedAsync(
            ProblemCode.BadOption,
            () =>
                server.Client.SubmitAsync(
                    server.Picture("long.png", 6000, 2),
                    new JobSettings { Format = FormatName.Webp }
                )
        );
    }

    [Fact]
    public async Task What_is_no_photo_or_a_damaged_one_does_not_become_a_job()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        byte[] sound = await File.ReadAllBytesAsync(server.Picture("a.png"));
        foreach (
            (string name, byte[] bytes, HttpStatusCode status) in new[]
            {
                ("a.txt", Encoding.UTF8.GetBytes("no photo"), HttpStatusCode.UnsupportedMediaType),
                (
                    "a.svg",
                    Encoding.UTF8.GetBytes("<svg xmlns='http://www.w3.org/2000/svg'/>"),
                    HttpStatusCode.UnsupportedMediaType
                ),
                ("a.pdf", Encoding.UTF8.GetBytes("%PDF-1.7"), HttpStatusCode.UnsupportedMediaType),
                ("empty.png", [], HttpStatusCode.UnsupportedMediaType),
                ("cut.png", sound[..20], HttpStatusCode.UnprocessableEntity),
            }
        )
        {
            var e = await ServerAssert.RefusedAsync(
                ProblemCode.NotAnImage,
                () => server.Client.SubmitAsync(new MemoryStream(bytes), name)
            );
            Assert.Equal(status, e.Status);
            Assert.StartsWith(name + ": ", e.Message, StringComparison.Ordinal);
        }
        Assert.Empty(Files(server, "objects"));
        Assert.Empty(Files(server, "incoming"));
    }

    [Fact]
    public async Task Too_many_bytes_or_pixels_are_refused_and_leave_nothing()
    {
        await using ServerHarness server = await ServerHarness.StartAsync(o =>
            o with
            {
                MaxUpload = 50_000,
                MaxPixels = 1000,
            }
        );
        var bytes = await ServerAssert.RefusedAsync(
            ProblemCode.TooLarge,
            () => server.Client.SubmitAsync(new MemoryStream(new byte[60_000]), "large.png")
        );
        Assert.Contains("50000 bytes", bytes.Message, StringComparison.Ordinal);
        await ServerAssert.RefusedAsync(
            ProblemCode.TooLarge,
            () => server.Client.SubmitAsync(new MemoryStream(new byte[3_000_000]), "larger.png")
        );
        var pixels = await ServerAssert.RefusedAsync(
            ProblemCode.TooLarge,
            () => server.Client.SubmitAsync(server.Picture("many.png", 40, 30))
        );
        Assert.Contains("40 x 30 = 1200", pixels.Message, StringComparison.Ordinal);
        // A header that promises ten thousand million pixels costs nothing.
        await ServerAssert.RefusedAsync(
            ProblemCode.TooLarge,
            () => server.Client.SubmitAsync(new MemoryStream(PromisingPng(100_000, 100_000)), "hostile.png")
        );
        await ServerAssert.RefusedAsync(
            ProblemCode.TooLarge,
            () => server.Client.SubmitAsync(server.Picture("a.png"), reference: server.Picture("many.png", 40, 30))
        );
        Assert.Equal(0, (await server.Client.ListAsync()).Counts["queued"]);
        Assert.Empty(Files(server, "incoming"));
        await server.SubmitAsync("a.png");
    }

    [Fact]
    public async Task A_full_queue_says_when_to_come_again()
    {
        await using ServerHarness server = await ServerHarness.StartAsync(o => o with { MaxQueue = 2 });
        await server.SubmitAsync("a.png", key: "k");
        JobView second = await server.SubmitAsync("b.png");
        var full = await ServerAssert.RefusedAsync(ProblemCode.QueueFull, () => server.SubmitAsync("c.png"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, full.Status);
        Assert.True(full.RetryAfter > TimeSpan.Zero);
        await server.SubmitAsync("a.png", key: "k"); // is there already
        await server.Client.CancelAsync(second.Id);
        await server.SubmitAsync("c.png");
    }

    [Fact]
    public async Task Forms_that_are_broken_are_bad_requests()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        HttpContent[] bodies =
        [
            new StringContent("x", Encoding.UTF8, "multipart/form-data"),
            Raw("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"photo\"\r\n\r\nabc"),
            Raw(
                "multipart/form-data; boundary=b",
                "--b\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--b--\r\n"
            ),
            Raw("multipart/form-data; boundary=b", "--b--\r\n"),
            Raw("multipart/form-data; boundary=" + new string('b', 120), "x"),
            Raw("application/x-www-form-urlencoded", "photo=x"),
            ServerAssert.Json("{}"),
            ServerAssert.Json("""{"path":"a","from":"b"}"""),
        ];
        foreach (HttpContent body in bodies)
        {
            ProblemView problem = await server.ProblemAsync(
                new HttpRequestMessage(HttpMethod.Post, "api/v1/jobs") { Content = body }
            );
            Assert.True(
                problem is { Status: 400, Code: ProblemCode.BadRequest } or { Status: 422 },
                problem.ToString()
            );
        }
        ProblemView type = await server.ProblemAsync(
            new HttpRequestMessage(HttpMethod.Post, "api/v1/jobs") { Content = Raw("text/plain", "x") }
        );
        Assert.Equal(415, type.Status);
        ProblemView twice = await server.ProblemAsync(Form(server, ("options", "{}"), ("options", "{}")));
        Assert.Contains("comes twice", twice.Detail, StringComparison.Ordinal);
        ProblemView longer = await server.ProblemAsync(Form(server, ("options", new string(' ', 100_000))));
        Assert.Equal(413, longer.Status);
        Assert.Empty(Files(server, "incoming"));
    }

    [Theory]
    [InlineData("../../etc/pass\u0001wd.png", "passwd.png")]
    [InlineData("C:\\photos\\ü ladybird.png", "ü ladybird.png")]
    [InlineData("", "photo")]
    public async Task A_name_is_the_last_part_of_what_was_sent(string sent, string kept)
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        await using FileStream photo = File.OpenRead(server.Picture("a.png"));
        using var form = new MultipartFormDataContent();
        var part = new StreamContent(photo);
        part.Headers.TryAddWithoutValidation(
            "Content-Disposition",
            $"form-data; name=\"photo\"; filename*=UTF-8''{Uri.EscapeDataString(sent)}"
        );
        form.Add(part);
        using HttpResponseMessage answer = await server.Http.PostAsync("api/v1/jobs", form);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        JobView job = (await server.Client.ListAsync()).Jobs.Single();
        Assert.Equal(kept, job.Name);
        Assert.Equal("/api/v1/jobs/" + job.Id, answer.Headers.Location!.OriginalString);
    }

    private static string[] Files(ServerHarness server, string part) =>
        Directory.GetFiles(Path.Combine(server.Store.Folder, part), "*", SearchOption.AllDirectories);

    private static HttpRequestMessage Form(ServerHarness server, params (string Name, string Value)[] fields)
    {
        var form = new MultipartFormDataContent
        {
            { new ByteArrayContent(File.ReadAllBytes(server.Picture("a.png"))), "photo", "a.png" },
        };
        foreach ((string name, string value) in fields)
            form.Add(new StringContent(value), name);
        return new HttpRequestMessage(HttpMethod.Post, "api/v1/jobs") { Content = form };
    }

    private static ByteArrayContent Raw(string type, string text)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(text));
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        return content;
    }

    // A few bytes with a sound header.
    private static byte[] PromisingPng(int width, int height)
    {
        using var png = new MemoryStream();
        png.Write([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]);
        byte[] header = new byte[13];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4), height);
        (header[8], header[9]) = (8, 2);
        Chunk("IHDR", header);
        using var packed = new MemoryStream();
        using (var zip = new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            zip.Write(new byte[1000]);
        Chunk("IDAT", packed.ToArray());
        Chunk("IEND", []);
        return png.ToArray();

        void Chunk(string name, byte[] data)
        {
            byte[] body = [.. Encoding.ASCII.GetBytes(name), .. data];
            Span<byte> number = stackalloc byte[4];
            BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
            png.Write(number);
            png.Write(body);
            BinaryPrimitives.WriteUInt32BigEndian(number, Checksum(body));
            png.Write(number);
        }
    }

    private static uint Checksum(byte[] data)
    {
        uint sum = uint.MaxValue;
        foreach (byte b in data)
        {
            sum ^= b;
            for (int i = 0; i < 8; i++)
                sum = (sum >> 1) ^ (0xEDB88320 & (0 - (sum & 1)));
        }
        return ~sum;
    }
}
