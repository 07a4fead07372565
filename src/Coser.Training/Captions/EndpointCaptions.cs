using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Coser.Training.Data;
using NetVips;
using static TorchSharp.torch;

namespace Coser.Training.Captions;

/// <summary>Where captions are asked for, and with how much patience.</summary>
public sealed record CaptionEndpoint
{
    /// <summary>Base address of the API, e.g. <c>http://localhost:8000/v1</c>; <c>/chat/completions</c> is added.</summary>
    public required Uri Address { get; init; }

    /// <summary>Name of the model there.</summary>
    public required string Model { get; init; }

    /// <summary>Bearer token; null: none is sent.</summary>
    public string? Key { get; init; }

    /// <summary>Longest time of a request.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Requests a photo at most.</summary>
    public int Tries { get; init; } = 4;

    /// <summary>Wait before the second request; it doubles each time.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>
/// Captions by an OpenAI-compatible chat endpoint that takes images: the photo goes as a JPEG data URL of at most 512 pixels
/// a side. Requests that may succeed later (no connection, timeouts, 408, 429, 5xx) are made again.
/// </summary>
public sealed partial class EndpointCaptions : ICaptionSource, IDisposable
{
    private const int MaxSide = 512;
    private readonly CaptionEndpoint _endpoint;
    private readonly int _perPhoto;
    private readonly HttpClient _client;
    private readonly Uri _address;

    /// <param name="perPhoto">Captions asked for, and lines taken of the answer.</param>
    public EndpointCaptions(CaptionEndpoint endpoint, int perPhoto)
    {
        (_endpoint, _perPhoto) = (endpoint, perPhoto);
        _client = new HttpClient { Timeout = System.Threading.Timeout.InfiniteTimeSpan };
        if (endpoint.Key is not null)
            _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", endpoint.Key);
        string address = endpoint.Address.AbsoluteUri.TrimEnd('/');
        const string Path = "/chat/completions";
        _address = new Uri(address.EndsWith(Path, StringComparison.Ordinal) ? address : address + Path);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> Describe(string path, PhotoEntry entry, CancellationToken cancel)
    {
        string question =
            $"Write {_perPhoto} different captions of this photo, a line each, at most 20 words a caption, "
            + "without numbers or quotes. Name the main subject, its colours, the background and the light."
            + (entry.Label.Length > 0 ? $" It shows: {entry.Label}." : "");
        object content = new object[]
        {
            new { type = "text", text = question },
            new { type = "image_url", image_url = new { url = "data:image/jpeg;base64," + Jpeg(path) } },
        };
        var body = new
        {
            model = _endpoint.Model,
            max_tokens = 80 * _perPhoto,
            messages = new[] { new { role = "user", content } },
        };
        string answer = Ask(body, entry.File, cancel);
        string[] captions = [.. answer.Split('\n').Select(Bare).Where(l => l.Length > 0).Take(_perPhoto)];
        return captions.Length > 0 ? captions : throw new CaptionException(entry.File, $"{_address} gave no caption");
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private string Ask(object body, string file, CancellationToken cancel)
    {
        TimeSpan pause = _endpoint.Pause;
        for (int i = 1; ; i++)
        {
            (string? answer, string reason, bool again, TimeSpan? wish) = Once(body, cancel);
            if (answer is not null)
                return answer;
            if (!again || i >= _endpoint.Tries)
                throw new CaptionException(file, $"{_address} {reason}{(i > 1 ? $" ({i} tries)" : "")}");
            Task.Delay(wish > pause ? wish.Value : pause, cancel).GetAwaiter().GetResult();
            pause *= 2;
        }
    }

    private (string? Answer, string Reason, bool Again, TimeSpan? Wish) Once(object body, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_endpoint.Timeout);
        try
        {
            using HttpResponseMessage response = _client
                .PostAsJsonAsync(_address, body, limit.Token)
                .GetAwaiter()
                .GetResult();
            string text = response.Content.ReadAsStringAsync(limit.Token).GetAwaiter().GetResult();
            if (response.IsSuccessStatusCode)
                return (Content(text), "gave an answer of another form: " + Short(text), false, null);
            bool again =
                response.StatusCode is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
                || (int)response.StatusCode >= 500;
            return (
                null,
                $"answered {(int)response.StatusCode}: {Short(text)}",
                again,
                response.Headers.RetryAfter?.Delta
            );
        }
        catch (HttpRequestException e)
        {
            return (null, "cannot be reached: " + e.Message, true, null);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return (null, $"took longer than {_endpoint.Timeout.TotalSeconds:g} s", true, null);
        }
    }

    // choices[0].message.content, or null.
    private static string? Content(string text)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return document
                .RootElement.GetProperty("choices")[0]
                .GetProperty("message")
                .GetProperty("content")
                .GetString();
        }
        catch (Exception e)
            when (e is JsonException or KeyNotFoundException or InvalidOperationException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    private static string Jpeg(string path)
    {
        using var scope = NewDisposeScope();
        Tensor photo = TrainingPhoto.Load(path).permute(1, 2, 0).contiguous(); // [H,W,3]
        using Image image = Image.NewFromMemoryCopy(
            photo.data<byte>().ToArray(),
            (int)photo.shape[1],
            (int)photo.shape[0],
            3,
            Enums.BandFormat.Uchar
        );
        using Image rgb = image.Copy(interpretation: Enums.Interpretation.Srgb);
        using Image small = rgb.ThumbnailImage(MaxSide, height: MaxSide, size: Enums.Size.Down);
        return Convert.ToBase64String(small.JpegsaveBuffer(q: 90));
    }

    // Models number their lines even when asked not to.
    private static string Bare(string line) => Bullet().Replace(line.Trim(), "").Trim().Trim('"').Trim();

    private static string Short(string text)
    {
        text = text.Trim();
        return text.Length > 200 ? text[..200] + "…" : text;
    }

    [GeneratedRegex(@"^(\d+[.):]|[-*•])\s+", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Bullet();
}
