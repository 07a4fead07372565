using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Coser.Client.Contract;

namespace Coser.Client;

/// <summary>
/// The HTTP API of <c>coser serve</c>. Safe to use from many threads. Every method throws <see cref="CoserApiException"/> where
/// the server refuses, and <see cref="HttpRequestException"/> where it cannot be reached.
/// </summary>
public sealed class CoserClient : IDisposable
{
    private const string Base = "api/v1/";
    private readonly HttpClient _http;
    private readonly bool _owned;

    /// <summary>A client of a server.</summary>
    /// <param name="server">Its address, such as <c>http://localhost:5210</c>.</param>
    /// <param name="key">As <c>coser serve keys add</c> printed it; null where the server asks for none.</param>
    public CoserClient(Uri server, string? key = null)
    {
        ArgumentNullException.ThrowIfNull(server);
        // Uploads and streams take as long as they take: callers have tokens.
        _http = new HttpClient { BaseAddress = WithSlash(server), Timeout = Timeout.InfiniteTimeSpan };
        if (key is not null)
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        _owned = true;
    }

    /// <summary>A client that sends through another one's connection, which stays the caller's.</summary>
    /// <param name="http">With the server as its base address.</param>
    public CoserClient(HttpClient http)
    {
        ArgumentNullException.ThrowIfNull(http);
        _http = http;
    }

    /// <summary>Who the server takes this client for.</summary>
    public Task<SessionView> SessionAsync(CancellationToken cancel = default) =>
        ReadAsync<SessionView>("session", cancel);

    /// <summary>What the server can do.</summary>
    public Task<Capabilities> CapabilitiesAsync(CancellationToken cancel = default) =>
        ReadAsync<Capabilities>("options", cancel);

    /// <summary>The server's models in full.</summary>
    public async Task<IReadOnlyList<ModelView>> ModelsAsync(CancellationToken cancel = default) =>
        await ReadAsync<ModelView[]>("models", cancel);

    /// <summary>Workers that are there.</summary>
    public async Task<IReadOnlyList<WorkerView>> WorkersAsync(CancellationToken cancel = default) =>
        await ReadAsync<WorkerView[]>("workers", cancel);

    /// <summary>Hands in a photo.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="settings">What is asked for; null: the server's defaults.</param>
    /// <param name="reference">File of the user's own reference photo; null: none.</param>
    /// <param name="key">Idempotency key: the same key hands in the same photo once, however often it is sent.</param>
    /// <param name="cancel">Stops the upload.</param>
    public async Task<JobView> SubmitAsync(
        string path,
        JobSettings? settings = null,
        string? reference = null,
        string? key = null,
        CancellationToken cancel = default
    )
    {
        await using FileStream photo = File.OpenRead(path);
        await using FileStream? other = reference is null ? null : File.OpenRead(reference);
        return await SubmitAsync(photo, Path.GetFileName(path), settings, other, key, cancel);
    }

    /// <summary>Hands in a photo from a stream.</summary>
    /// <param name="photo">Read to its end; stays the caller's.</param>
    /// <param name="name">What it is called in lists; its extension says the result's format unless the settings do.</param>
    /// <param name="settings">What is asked for; null: the server's defaults.</param>
    /// <param name="reference">The user's own reference photo; null: none.</param>
    /// <param name="key">Idempotency key.</param>
    /// <param name="cancel">Stops the upload.</param>
    public async Task<JobView> SubmitAsync(
        Stream photo,
        string name,
        JobSettings? settings = null,
        Stream? reference = null,
        string? key = null,
        CancellationToken cancel = default
    )
    {
        using MultipartFormDataContent form = Form(settings);
        form.Add(Photo(photo, name));
        if (reference is not null)
            form.Add(new StreamContent(reference), "reference", "reference");
        return await PostAsync(form, key, cancel);
    }

    /// <summary>Restores the photo of an earlier job once more.</summary>
    /// <param name="from">The earlier job.</param>
    /// <param name="settings">What is asked for this time.</param>
    /// <param name="reference">A reference photo for this time; null: as the settings say.</param>
    /// <param name="key">Idempotency key.</param>
    /// <param name="cancel">Stops the request.</param>
    public async Task<JobView> SubmitAgainAsync(
        string from,
        JobSettings? settings = null,
        Stream? reference = null,
        string? key = null,
        CancellationToken cancel = default
    )
    {
        if (reference is null)
            return await PostAsync(Json(new JobRequest { From = from, Options = settings }), key, cancel);
        using MultipartFormDataContent form = Form(settings);
        form.Add(new StringContent(from), "from");
        form.Add(new StreamContent(reference), "reference", "reference");
        return await PostAsync(form, key, cancel);
    }

    /// <summary>Hands in a photo that lies on the server, below its allowed root.</summary>
    /// <param name="path">With / between folders.</param>
    /// <param name="settings">What is asked for; null: the server's defaults.</param>
    /// <param name="key">Idempotency key.</param>
    /// <param name="cancel">Stops the request.</param>
    public Task<JobView> SubmitServerFileAsync(
        string path,
        JobSettings? settings = null,
        string? key = null,
        CancellationToken cancel = default
    ) => PostAsync(Json(new JobRequest { Path = path, Options = settings }), key, cancel);

    /// <summary>A job.</summary>
    public Task<JobView> GetAsync(string id, CancellationToken cancel = default) =>
        ReadAsync<JobView>(JobPath(id), cancel);

    /// <summary>A page of jobs, the newest first.</summary>
    public Task<JobPage> ListAsync(JobQuery? query = null, CancellationToken cancel = default) =>
        ReadAsync<JobPage>("jobs" + (query ?? new JobQuery()).ToQuery(), cancel);

    /// <summary>All jobs that fit, page after page.</summary>
    public async IAsyncEnumerable<JobView> AllAsync(
        JobQuery? query = null,
        [EnumeratorCancellation] CancellationToken cancel = default
    )
    {
        query ??= new JobQuery();
        while (true)
        {
            JobPage page = await ListAsync(query, cancel);
            foreach (JobView job in page.Jobs)
                yield return job;
            if (page.Next is not { } next)
                yield break;
            query = query with { Before = next };
        }
    }

    /// <summary>A job's states as they come, the last of them final. A connection that breaks is made anew.</summary>
    public IAsyncEnumerable<JobView> WatchAsync(string id, CancellationToken cancel = default) =>
        new JobWatcher(_http, Base + JobPath(id) + "/events").JobAsync(cancel);

    /// <summary>Every change of every job this client may see, without end; first, all open jobs.</summary>
    public IAsyncEnumerable<JobChange> WatchAllAsync(CancellationToken cancel = default) =>
        new JobWatcher(_http, Base + "events").AllAsync(cancel);

    /// <summary>Waits until a job has ended.</summary>
    public async Task<JobView> WaitAsync(string id, CancellationToken cancel = default)
    {
        await foreach (JobView job in WatchAsync(id, cancel))
        {
            if (job.IsFinal)
                return job;
        }
        return await GetAsync(id, cancel);
    }

    /// <summary>Takes a job back.</summary>
    public Task<JobView> CancelAsync(string id, CancellationToken cancel = default) => SteerAsync(id, "cancel", cancel);

    /// <summary>Holds a job back; a running one keeps what is done.</summary>
    public Task<JobView> PauseAsync(string id, CancellationToken cancel = default) => SteerAsync(id, "pause", cancel);

    /// <summary>Lets a paused job go on.</summary>
    public Task<JobView> ResumeAsync(string id, CancellationToken cancel = default) => SteerAsync(id, "resume", cancel);

    /// <summary>Tries a failed, quarantined or cancelled job anew.</summary>
    public Task<JobView> RetryAsync(string id, CancellationToken cancel = default) => SteerAsync(id, "retry", cancel);

    /// <summary>Cancels a job that is open, forgets one that has ended.</summary>
    public async Task DeleteAsync(string id, CancellationToken cancel = default) =>
        (await SendAsync(new HttpRequestMessage(HttpMethod.Delete, Base + JobPath(id)), cancel)).Dispose();

    /// <summary>Opens a file of a job.</summary>
    /// <param name="id">The job.</param>
    /// <param name="role">Which file, as in <see cref="JobView.Files"/>.</param>
    /// <param name="cancel">Stops the request.</param>
    public async Task<Stream> OpenFileAsync(
        string id,
        string role = FileView.ResultRole,
        CancellationToken cancel = default
    )
    {
        HttpResponseMessage answer = await SendAsync(
            new HttpRequestMessage(HttpMethod.Get, $"{Base}{JobPath(id)}/files/{Uri.EscapeDataString(role)}"),
            cancel
        );
        return await answer.Content.ReadAsStreamAsync(cancel);
    }

    /// <summary>Saves a file of a job: it appears under its name when it is whole, and replaces what is there.</summary>
    /// <param name="id">The job.</param>
    /// <param name="path">The file to write.</param>
    /// <param name="role">Which file of the job.</param>
    /// <param name="cancel">Stops the download and leaves nothing behind.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    public async Task DownloadAsync(
        string id,
        string path,
        string role = FileView.ResultRole,
        CancellationToken cancel = default
    )
    {
        string partial = $"{path}.{Guid.NewGuid():n}.partial";
        try
        {
            await using (Stream content = await OpenFileAsync(id, role, cancel))
            await using (FileStream file = new(partial, FileMode.CreateNew))
                await content.CopyToAsync(file, cancel);
            File.Move(partial, path, overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_owned)
            _http.Dispose();
    }

    internal static async Task<CoserApiException> ProblemAsync(HttpResponseMessage answer, CancellationToken cancel)
    {
        ProblemView? problem = null;
        if (answer.Content.Headers.ContentType?.MediaType == ProblemView.MediaType)
        {
            try
            {
                problem = await answer.Content.ReadFromJsonAsync<ProblemView>(ApiJson.Options, cancel);
            }
            catch (JsonException) { } // cut off: the status says enough
        }
        return new CoserApiException(
            answer.StatusCode,
            problem?.Code ?? "",
            problem?.Detail ?? $"the server answered {(int)answer.StatusCode} {answer.ReasonPhrase}",
            answer.Headers.RetryAfter?.Delta
        );
    }

    private Task<JobView> SteerAsync(string id, string verb, CancellationToken cancel) =>
        JobOfAsync(new HttpRequestMessage(HttpMethod.Post, $"{Base}{JobPath(id)}/{verb}"), cancel);

    private Task<JobView> PostAsync(HttpContent content, string? key, CancellationToken cancel)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, Base + "jobs") { Content = content };
        // A server that refuses says so before the photo is sent.
        request.Headers.ExpectContinue = content is MultipartFormDataContent;
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        return JobOfAsync(request, cancel);
    }

    private async Task<JobView> JobOfAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        using HttpResponseMessage answer = await SendAsync(request, cancel);
        return (await answer.Content.ReadFromJsonAsync<JobView>(ApiJson.Options, cancel))!;
    }

    private async Task<T> ReadAsync<T>(string path, CancellationToken cancel)
    {
        using HttpResponseMessage answer = await SendAsync(new HttpRequestMessage(HttpMethod.Get, Base + path), cancel);
        return (await answer.Content.ReadFromJsonAsync<T>(ApiJson.Options, cancel))!;
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancel)
    {
        using (request)
        {
            HttpResponseMessage answer = await _http.SendAsync(
                request,
                HttpCompletionOption.ResponseHeadersRead,
                cancel
            );
            if (answer.IsSuccessStatusCode)
                return answer;
            using (answer)
                throw await ProblemAsync(answer, cancel);
        }
    }

    private static MultipartFormDataContent Form(JobSettings? settings)
    {
        var form = new MultipartFormDataContent();
        if (settings is not null)
            form.Add(Json(settings), "options");
        return form;
    }

    // Any name at all: MultipartFormDataContent refuses some.
    private static StreamContent Photo(Stream photo, string name)
    {
        var part = new StreamContent(photo);
        part.Headers.ContentDisposition = new ContentDispositionHeaderValue("form-data")
        {
            Name = "photo",
            FileName = "photo",
            FileNameStar = name,
        };
        return part;
    }

    private static JsonContent Json<T>(T value) => JsonContent.Create(value, options: ApiJson.Options);

    private static string JobPath(string id) => "jobs/" + Uri.EscapeDataString(id);

    private static Uri WithSlash(Uri server) =>
        server.AbsoluteUri.EndsWith('/') ? server : new Uri(server.AbsoluteUri + "/");
}
