using System.Text.Json;
using Coser.Imaging;
using Coser.Training.Captions;
using Coser.Training.Data;

namespace Coser.Tests.Training.Captions;

public sealed class EndpointCaptionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly PhotoIndex _data;

    public EndpointCaptionTests()
    {
        SmallDataSet.Write(_folder.Path);
        _data = PhotoIndex.Open(_folder.Path);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_photo_is_sent_and_the_lines_of_the_answer_are_captions()
    {
        using var server = new FakeEndpoint(FakeEndpoint.Says("1. A grey wall.\n\n- \"Fog at dawn\"\nthird\nfourth"));
        Assert.Equal(["A grey wall.", "Fog at dawn", "third"], Describe(server));
        (string path, string? key, JsonElement body) = Assert.Single(server.Requests);
        Assert.Equal("/v1/chat/completions", path);
        Assert.Equal("Bearer secret", key);
        Assert.Equal("llava", body.GetProperty("model").GetString());
        JsonElement content = body.GetProperty("messages")[0].GetProperty("content");
        Assert.Contains("3 different captions", content[0].GetProperty("text").GetString());
        string url = content[1].GetProperty("image_url").GetProperty("url").GetString()!;
        const string Start = "data:image/jpeg;base64,";
        Assert.StartsWith(Start, url, StringComparison.Ordinal);
        File.WriteAllBytes(_folder.File("sent.jpg"), Convert.FromBase64String(url[Start.Length..]));
        using Photo sent = Photo.Open(_folder.File("sent.jpg"));
        Assert.Equal((64, 64), (sent.Width, sent.Height));
    }

    [Fact]
    public void What_may_pass_is_tried_again()
    {
        using var server = new FakeEndpoint((503, "warming up"), (429, "slow down"), FakeEndpoint.Says("a wall"));
        Assert.Equal(["a wall"], Describe(server));
        Assert.Equal(3, server.Requests.Count);
    }

    [Theory]
    [InlineData(401, "who are you", "answered 401: who are you", 1)]
    [InlineData(500, "out of memory", "answered 500: out of memory (3 tries)", 3)]
    [InlineData(200, "<html>", "answer of another form: <html>", 1)]
    [InlineData(200, "{\"choices\":[]}", "answer of another form", 1)]
    public void What_does_not_pass_names_the_photo_and_the_reason(int status, string text, string reason, int requests)
    {
        using var server = new FakeEndpoint([.. Enumerable.Repeat((status, text), 5)]);
        var failed = Assert.Throws<CaptionException>(() => Describe(server));
        Assert.StartsWith("0.png: ", failed.Message, StringComparison.Ordinal);
        Assert.Contains(reason, failed.Message, StringComparison.Ordinal);
        Assert.Equal(requests, server.Requests.Count);
    }

    [Fact]
    public void A_server_that_is_silent_or_gone_is_said()
    {
        Uri address;
        using (var server = new FakeEndpoint((0, "")))
        {
            address = server.Address;
            var slow = Assert.Throws<CaptionException>(() => Describe(address, tries: 1, TimeSpan.FromSeconds(0.3)));
            Assert.Contains("took longer than 0.3 s", slow.Message, StringComparison.Ordinal);
        }
        var gone = Assert.Throws<CaptionException>(() => Describe(address, tries: 2, TimeSpan.FromSeconds(5)));
        Assert.Contains("cannot be reached", gone.Message, StringComparison.Ordinal);
        Assert.Contains("(2 tries)", gone.Message, StringComparison.Ordinal);
    }

    private IReadOnlyList<string> Describe(FakeEndpoint server) =>
        Describe(server.Address, tries: 3, TimeSpan.FromSeconds(30));

    private IReadOnlyList<string> Describe(Uri address, int tries, TimeSpan timeout)
    {
        using var source = new EndpointCaptions(
            new CaptionEndpoint
            {
                Address = address,
                Model = "llava",
                Key = "secret",
                Timeout = timeout,
                Tries = tries,
                Pause = TimeSpan.FromMilliseconds(1),
            },
            perPhoto: 3
        );
        return source.Describe(_data.PathOf(_data.Entries[0]), _data.Entries[0], CancellationToken.None);
    }
}
