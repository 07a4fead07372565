using System.Net;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Coser.Client.Contract;

namespace Coser.Client;

/// <summary>News of jobs: one of its members is not null.</summary>
public sealed record JobChange
{
    /// <summary>A job, as it is now.</summary>
    public JobView? Job { get; init; }

    /// <summary>The id of a job that was forgotten.</summary>
    public string? Gone { get; init; }

    /// <summary>How many jobs are in which state.</summary>
    public IReadOnlyDictionary<string, long>? Counts { get; init; }
}

/// <summary>Reads server-sent events, and goes on where it was when the connection breaks.</summary>
internal sealed class JobWatcher(HttpClient http, string address)
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    // The server says something every 15 s, if only that it is there.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(45);
    private string? _last;

    public async IAsyncEnumerable<JobView> JobAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        long revision = 0;
        await foreach (SseItem<string> item in ItemsAsync(cancel))
        {
            if (Read(item) is not { Job: { } job } || job.Revision <= revision)
                continue;
            revision = job.Revision;
            yield return job;
            if (job.IsFinal)
                yield break;
        }
    }

    public async IAsyncEnumerable<JobChange> AllAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (SseItem<string> item in ItemsAsync(cancel))
        {
            if (Read(item) is { } change)
                yield return change;
        }
    }

    private static JobChange? Read(SseItem<string> item) =>
        item.EventType switch
        {
            "job" => new JobChange { Job = JsonSerializer.Deserialize<JobView>(item.Data, ApiJson.Options) },
            "gone" => new JobChange { Gone = JsonSerializer.Deserialize<GoneData>(item.Data, ApiJson.Options)?.Id },
            "counts" => new JobChange
            {
                Counts = JsonSerializer.Deserialize<Dictionary<string, long>>(item.Data, ApiJson.Options),
            },
            _ => null,
        };

    // Without end, but for refusals and the caller.
    private async IAsyncEnumerable<SseItem<string>> ItemsAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        TimeSpan wait = FirstWait;
        while (true)
        {
            await using IAsyncEnumerator<SseItem<string>> items = ConnectionAsync(cancel).GetAsyncEnumerator(cancel);
            while (await NextAsync(items, cancel))
            {
                wait = FirstWait;
                yield return items.Current;
            }
            await Task.Delay(wait, cancel);
            wait = wait * 2 < LongestWait ? wait * 2 : LongestWait;
        }
    }

    // False when the connection is over.
    private static async Task<bool> NextAsync(IAsyncEnumerator<SseItem<string>> items, CancellationToken cancel)
    {
        try
        {
            return await items.MoveNextAsync();
        }
        catch (CoserApiException e) when (IsPassing(e.Status))
        {
            return false;
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return false;
        }
    }

    private async IAsyncEnumerable<SseItem<string>> ConnectionAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        silence.CancelAfter(Silence);
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        if (_last is not null)
            request.Headers.Add("Last-Event-ID", _last);
        using HttpResponseMessage answer = await http.SendAsync(
            request,
            HttpCompletionOption.ResponseHeadersRead,
            silence.Token
        );
        if (!answer.IsSuccessStatusCode)
            throw await CoserClient.ProblemAsync(answer, silence.Token);
        await using Stream stream = new Wakeful(
            await answer.Content.ReadAsStreamAsync(silence.Token),
            () => silence.CancelAfter(Silence)
        );
        var parser = SseParser.Create(stream);
        await foreach (SseItem<string> item in parser.EnumerateAsync(silence.Token))
        {
            if (parser.LastEventId.Length > 0)
                _last = parser.LastEventId;
            yield return item;
        }
    }

    private sealed record GoneData(string Id);

    private static bool IsPassing(HttpStatusCode status) =>
        status
            is HttpStatusCode.TooManyRequests
                or HttpStatusCode.RequestTimeout
                or >= HttpStatusCode.InternalServerError;

    /// <summary>Says when something was read, heartbeats included, which the parser passes over.</summary>
    private sealed class Wakeful(Stream inner, Action read) : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => false;
        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(
            Memory<byte> buffer,
            CancellationToken cancellationToken = default
        )
        {
            int count = await inner.ReadAsync(buffer, cancellationToken);
            read();
            return count;
        }

        public override Task<int> ReadAsync(
            byte[] buffer,
            int offset,
            int count,
            CancellationToken cancellationToken
        ) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override void Flush() { }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
