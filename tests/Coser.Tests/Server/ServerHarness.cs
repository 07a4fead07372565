using System.Collections.Concurrent;
using System.Net.Http.Json;
using System.Text.Json;
using Coser.Client;
using Coser.Client.Contract;
using Coser.Imaging;
using Coser.Jobs;
using Coser.Jobs.Files;
using Coser.Jobs.Model;
using Coser.Jobs.Storage;
using Coser.Jobs.Work;
using Coser.Server;
using Coser.Server.Access;
using Microsoft.Extensions.Logging;
using NetVips;

namespace Coser.Tests.Server;

/// <summary>A real server on a free port, with a folder of its own, and clients of it.</summary>
internal sealed class ServerHarness : IAsyncDisposable
{
    // A restoring process that starts at once: waits where the photo is called "slow", fails where it is called "damaged",
    // else gives back the picture in $1.
    private const string Script = """
        while read -r line; do
          d=$(printf '%s' "$line" | sed 's/.*"folder":"\([^"]*\)".*/\1/')
          case "$line" in
            stop) continue ;;
            *damaged*) echo '{"kind":"failed","reason":"it is damaged","forGood":true}'; continue ;;
            *slow*)
              p=$(printf '%s' "$line" | sed 's/.*"preview":"\([^"]*\)".*/\1/')
              cp "$2" "$p"
              echo '{"kind":"progress","progress":{"stage":"sampling","step":1,"steps":4,"preview":1}}'
              read -r word
              if [ "$word" = stop ]; then echo '{"kind":"stopped"}'; fi
              [ -n "$word" ] || exit 0
              continue ;;
          esac
          cp "$1" "$d/result.png"
          echo '{"kind":"done","outcome":{"inputWidth":12,"inputHeight":8,"width":48,"height":32,"scale":4,"device":"cpu","precision":"fp32","peakMemory":1000,"stages":[{"stage":"sampling","seconds":1.5}],"files":[{"role":"result","hash":"","name":"result.png","bytes":0}]}}'
        done
        """;
    private readonly TemporaryFolder _folder = new();
    private readonly Func<ServerOptions, ServerOptions> _change;
    private CoserServer? _server;
    private int _port;

    private ServerHarness(Func<ServerOptions, ServerOptions>? change) => _change = change ?? (o => o);

    public JobLedger Ledger { get; private set; } = null!;

    public ContentStore Store { get; private set; } = null!;

    public CoserClient Client { get; private set; } = null!;

    public HttpClient Http { get; private set; } = null!;

    public ConcurrentQueue<string> Log { get; } = new();

    public string KeysFile => _folder.File("keys.json");

    public Uri Address => _server!.Addresses[0];

    /// <summary>A worker that needs no networks.</summary>
    public WorkerOptions QuickWorker
    {
        get
        {
            string picture = Picture("made.png", 48, 32);
            return new WorkerOptions
            {
                Child = new ChildCommand("/bin/bash", ["-c", Script, "sh", picture, Picture("preview.jpg", 24, 16)]),
                Poll = TimeSpan.FromMilliseconds(30),
                Report = TimeSpan.FromMilliseconds(50),
            };
        }
    }

    /// <summary>Starts a server without a worker, unless the change gives it one.</summary>
    public static Task<ServerHarness> StartAsync(Func<ServerOptions, ServerOptions>? change = null) =>
        StartAsync((_, o) => change?.Invoke(o) ?? o);

    /// <summary>A server with the worker of <see cref="QuickWorker"/>.</summary>
    public static Task<ServerHarness> StartWorkingAsync(Func<ServerOptions, ServerOptions>? change = null) =>
        StartAsync((h, o) => (change?.Invoke(o) ?? o) with { Worker = h.QuickWorker });

    /// <param name="change">Gets the harness, too, for its files.</param>
    public static async Task<ServerHarness> StartAsync(Func<ServerHarness, ServerOptions, ServerOptions> change)
    {
        ServerHarness harness = null!;
        harness = new ServerHarness(o => change(harness, o));
        try
        {
            await harness.BeginAsync();
            return harness;
        }
        catch
        {
            await harness.DisposeAsync();
            throw;
        }
    }

    /// <summary>Ends the server, and starts another one on the same port, tables and files.</summary>
    public async Task RestartAsync()
    {
        await EndAsync();
        await BeginAsync();
    }

    /// <summary>A new key.</summary>
    public string AddKey(string name, RoleName role) => KeyRing.Open(KeysFile).Add(name, role);

    /// <summary>A client that shows a key.</summary>
    public CoserClient With(string key) => new(Address, key);

    public string File(string name) => _folder.File(name);

    /// <summary>Writes a photo; its path.</summary>
    public string Picture(string name, int width = 12, int height = 8, Action<MutableImage>? more = null)
    {
        string path = _folder.File(name);
        if (System.IO.File.Exists(path))
            return path;
        using Image noise = Image.Gaussnoise(width, height, mean: 128, sigma: 40, seed: name.Length);
        using Image rgb = noise.Bandjoin(noise, noise).Cast(Enums.BandFormat.Uchar);
        using Image srgb = rgb.Copy(interpretation: Enums.Interpretation.Srgb).Mutate(m => more?.Invoke(m));
        srgb.WriteToFile(path);
        return path;
    }

    public async Task<JobView> SubmitAsync(string name, JobSettings? settings = null, string? key = null) =>
        await Client.SubmitAsync(Picture(name), settings, key: key);

    /// <summary>Waits for a job to be as it should.</summary>
    public async Task<JobView> UntilAsync(string id, Func<JobView, bool> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await foreach (JobView job in Client.WatchAsync(id, patience.Token))
        {
            if (condition(job))
                return job;
        }
        throw new InvalidOperationException("the job ended otherwise");
    }

    /// <summary>The problem a raw request is answered with.</summary>
    public async Task<ProblemView> ProblemAsync(HttpRequestMessage request)
    {
        using HttpResponseMessage answer = await Http.SendAsync(request);
        Assert.Equal(ProblemView.MediaType, answer.Content.Headers.ContentType?.MediaType);
        ProblemView problem = (await answer.Content.ReadFromJsonAsync<ProblemView>(ApiJson.Options))!;
        Assert.Equal((int)answer.StatusCode, problem.Status);
        Assert.EndsWith(problem.Code, problem.Type, StringComparison.Ordinal);
        Assert.NotEmpty(problem.Title);
        return problem;
    }

    public async ValueTask DisposeAsync()
    {
        Client?.Dispose();
        Http?.Dispose();
        await EndAsync();
        _folder.Dispose();
    }

    private async Task BeginAsync()
    {
        VipsEngine.EnsureLoaded();
        DatabaseAddress address = DatabaseAddress.Parse(_folder.File("jobs.db"));
        Store = ContentStore.Open(_folder.File("store"));
        Ledger = await JobLedger.OpenAsync(address, new LeaseOptions { Backoff = TimeSpan.Zero });
        await Ledger.BindStoreAsync(Store);
        ServerOptions options = _change(
            new ServerOptions
            {
                Database = address,
                Ledger = Ledger,
                Store = Store,
                Port = _port,
                KeysFile = KeysFile,
                PageFolder = _folder.File("page"),
                Log = (level, line) => Log.Enqueue($"{level}: {line}"),
            }
        );
        _server = await CoserServer.StartAsync(options);
        _port = Address.Port;
        Client ??= new CoserClient(new Uri($"http://127.0.0.1:{_port}"));
        // Cookies are the tests' own business.
        Http ??= new HttpClient(new SocketsHttpHandler { UseCookies = false })
        {
            BaseAddress = new Uri($"http://127.0.0.1:{_port}"),
        };
    }

    private async Task EndAsync()
    {
        if (_server is not null)
        {
            await _server.StopAsync();
            await _server.DisposeAsync();
            _server = null;
        }
        if (Ledger is not null)
            await Ledger.DisposeAsync();
    }
}

/// <summary>What the tests of the server say in short.</summary>
internal static class ServerAssert
{
    /// <summary>The refusal of a request, whose code it must have.</summary>
    public static async Task<CoserApiException> RefusedAsync(string code, Func<Task> request)
    {
        CoserApiException e = await Assert.ThrowsAsync<CoserApiException>(request);
        Assert.True(code == e.Code, $"{e.Status} {e.Code}: {e.Message}");
        return e;
    }

    public static StringContent Json(string text) => new(text, System.Text.Encoding.UTF8, "application/json");

    public static async Task<JsonElement> DocumentAsync(this HttpClient http, string address) =>
        JsonDocument.Parse(await http.GetStringAsync(address)).RootElement.Clone();
}
