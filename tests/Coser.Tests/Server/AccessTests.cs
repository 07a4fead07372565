using System.Net;
using System.Net.Sockets;
using Coser.Client;
using Coser.Client.Contract;
using Coser.Jobs.Model;

namespace Coser.Tests.Server;

/// <summary>Keys, roles, owners; hosts, origins, headers, rates.</summary>
public sealed class AccessTests
{
    [Fact]
    public async Task An_address_that_others_can_reach_needs_keys()
    {
        JobsException e = await Assert.ThrowsAsync<JobsException>(() =>
            ServerHarness.StartAsync(o => o with { Listen = IPAddress.Any })
        );
        Assert.Contains("coser serve keys add", e.Message, StringComparison.Ordinal);
        await using ServerHarness server = await ServerHarness.StartAsync(
            (harness, options) =>
            {
                harness.AddKey("anna", RoleName.User);
                return options with { Listen = IPAddress.Any };
            }
        );
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{server.Address.Port}") };
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync("api/v1/jobs")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("health/live")).StatusCode);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_told_with_a_remedy()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        int port = ((IPEndPoint)other.LocalEndpoint).Port;
        JobsException e = await Assert.ThrowsAsync<JobsException>(() =>
            ServerHarness.StartAsync(o => o with { Port = port })
        );
        Assert.Contains($"port {port}", e.Message, StringComparison.Ordinal);
        Assert.Contains("--port", e.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Everybody_sees_their_own_jobs_an_admin_all_and_a_reader_changes_nothing()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        using CoserClient anna = server.With(server.AddKey("anna", RoleName.User));
        using CoserClient bert = server.With(server.AddKey("bert", RoleName.User));
        using CoserClient reader = server.With(server.AddKey("rita", RoleName.Reader));
        using CoserClient admin = server.With(server.AddKey("adam", RoleName.Admin));
        await WithKeysAsync(server);
        JobView hers = await anna.SubmitAsync(server.Picture("a.png"), key: "k");
        JobView his = await bert.SubmitAsync(server.Picture("b.png"), key: "k");
        Assert.NotEqual(hers.Id, his.Id);
        Assert.Null(hers.Owner);

        await ServerAssert.RefusedAsync(ProblemCode.NotFound, () => bert.GetAsync(hers.Id));
        await ServerAssert.RefusedAsync(ProblemCode.NotFound, () => bert.CancelAsync(hers.Id));
        await ServerAssert.RefusedAsync(ProblemCode.NotFound, () => bert.DeleteAsync(hers.Id));
        await ServerAssert.RefusedAsync(ProblemCode.NotFound, () => bert.OpenFileAsync(hers.Id, "input"));
        await ServerAssert.RefusedAsync(ProblemCode.NotFound, () => bert.SubmitAgainAsync(hers.Id));
        Assert.Equal([his.Id], (await bert.ListAsync()).Jobs.Select(j => j.Id));
        Assert.Equal(1, (await bert.ListAsync()).Counts["queued"]);
        Assert.Empty((await bert.ListAsync(new JobQuery { Root = hers.Id })).Jobs);

        Assert.Equal(["bert", "anna"], (await admin.ListAsync()).Jobs.Select(j => j.Owner));
        Assert.Equal(2, (await reader.ListAsync()).Jobs.Count);
        await ServerAssert.RefusedAsync(ProblemCode.Forbidden, () => reader.CancelAsync(hers.Id));
        await ServerAssert.RefusedAsync(ProblemCode.Forbidden, () => reader.SubmitAsync(server.Picture("a.png")));
        await ServerAssert.RefusedAsync(ProblemCode.Unauthorised, () => server.Client.ListAsync());
        using CoserClient wrong = server.With("coser_wrong");
        await ServerAssert.RefusedAsync(ProblemCode.Unauthorised, () => wrong.ListAsync());
        Assert.Equal(JobStatus.Cancelled, (await admin.CancelAsync(hers.Id)).State);
        SessionView session = await anna.SessionAsync();
        Assert.Equal(
            (true, true, "anna", RoleName.User),
            (session.Required, session.SignedIn, session.Name, session.Role)
        );
    }

    [Fact]
    public async Task Nobody_hears_of_jobs_of_others()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        using CoserClient anna = server.With(server.AddKey("anna", RoleName.User));
        using CoserClient bert = server.With(server.AddKey("bert", RoleName.User));
        await WithKeysAsync(server);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await using IAsyncEnumerator<JobChange> news = bert.WatchAllAsync(patience.Token).GetAsyncEnumerator();
        Assert.True(await news.MoveNextAsync());
        await anna.SubmitAsync(server.Picture("a.png"));
        JobView his = await bert.SubmitAsync(server.Picture("b.png"));
        while (news.Current.Job is null)
        {
            Assert.Equal(0, news.Current.Counts?["running"] ?? 0);
            Assert.True(await news.MoveNextAsync());
        }
        Assert.Equal(his.Id, news.Current.Job.Id);
    }

    [Fact]
    public async Task A_browser_signs_in_with_a_cookie_that_ends_with_its_key()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        string key = server.AddKey("anna", RoleName.User);
        await WithKeysAsync(server);
        await server.RestartAsync(); // with keys from the beginning, so that sessions are kept
        Assert.Equal(HttpStatusCode.Unauthorized, (await SignInAsync(server, "coser_wrong")).StatusCode);
        using HttpResponseMessage signed = await SignInAsync(server, key);
        Assert.Equal(HttpStatusCode.NoContent, signed.StatusCode);
        string cookie = signed.Headers.GetValues("Set-Cookie").Single();
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(key, cookie, StringComparison.Ordinal);
        string value = cookie.Split(';')[0];

        Assert.Equal(HttpStatusCode.OK, (await CookieAsync(server, value, HttpMethod.Get, "api/v1/jobs")).StatusCode);
        await server.RestartAsync();
        Assert.Equal(HttpStatusCode.OK, (await CookieAsync(server, value, HttpMethod.Get, "api/v1/jobs")).StatusCode);
        string spoiled = value[..^4] + "AAAA";
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            (await CookieAsync(server, spoiled, HttpMethod.Get, "api/v1/jobs")).StatusCode
        );
        // A cookie alone, from nobody knows where, changes nothing.
        Assert.Equal(
            HttpStatusCode.Forbidden,
            (await CookieAsync(server, value, HttpMethod.Post, "api/v1/jobs")).StatusCode
        );
        Assert.Equal(
            HttpStatusCode.UnsupportedMediaType,
            (await CookieAsync(server, value, HttpMethod.Post, "api/v1/jobs", Own(server))).StatusCode
        );
        Assert.True(Coser.Server.Access.KeyRing.Open(server.KeysFile).Remove("anna"));
        await Task.Delay(1100); // changes of the file hold within a second
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            (await CookieAsync(server, value, HttpMethod.Get, "api/v1/jobs")).StatusCode
        );
    }

    [Fact]
    public async Task Attempts_to_sign_in_are_few()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        server.AddKey("anna", RoleName.User);
        var statuses = new List<HttpStatusCode>();
        for (int i = 0; i < 12; i++)
            statuses.Add((await SignInAsync(server, $"coser_{i}")).StatusCode);
        Assert.Equal(10, statuses.Count(s => s == HttpStatusCode.Unauthorized));
        Assert.Equal(2, statuses.Count(s => s == HttpStatusCode.TooManyRequests));
    }

    [Theory]
    [InlineData("evil.example", HttpStatusCode.Forbidden)]
    [InlineData("localhost.evil.example", HttpStatusCode.Forbidden)]
    [InlineData("127.0.0.1.evil.example", HttpStatusCode.Forbidden)]
    [InlineData("localhost", HttpStatusCode.OK)]
    [InlineData("LOCALHOST:99", HttpStatusCode.OK)]
    [InlineData("[::1]:5210", HttpStatusCode.OK)]
    [InlineData("photos.example", HttpStatusCode.OK)]
    public async Task Names_that_are_not_ours_are_refused(string host, HttpStatusCode status)
    {
        await using ServerHarness server = await ServerHarness.StartAsync(o => o with { Hosts = ["photos.example"] });
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/v1/jobs");
        request.Headers.Host = host;
        using HttpResponseMessage answer = await server.Http.SendAsync(request);
        Assert.Equal(status, answer.StatusCode);
    }

    [Theory]
    [InlineData("Origin", "http://evil.example", false)]
    [InlineData("Origin", "null", false)]
    [InlineData("Origin", "http://localhost.evil.example", false)]
    [InlineData("Origin", "http://127.0.0.1:1", false)]
    [InlineData("Origin", "own", true)]
    [InlineData("Sec-Fetch-Site", "cross-site", false)]
    [InlineData("Sec-Fetch-Site", "same-site", false)]
    [InlineData("Sec-Fetch-Site", "same-origin", true)]
    [InlineData("User-Agent", "curl", true)]
    public async Task Changes_from_other_sites_are_refused(string header, string value, bool allowed)
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        JobView job = await server.SubmitAsync("a.png");
        using var request = new HttpRequestMessage(HttpMethod.Delete, $"api/v1/jobs/{job.Id}");
        request.Headers.TryAddWithoutValidation(header, value == "own" ? Own(server) : value);
        using HttpResponseMessage answer = await server.Http.SendAsync(request);
        Assert.Equal(allowed ? HttpStatusCode.NoContent : HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.False(answer.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task Every_answer_carries_the_headers_that_keep_the_page_to_itself()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        foreach (string address in new[] { "", "api/v1/jobs", "api/v1/nothing", "health/live", "openapi/v1.json" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            request.Headers.Add("Origin", "http://evil.example");
            using HttpResponseMessage answer = await server.Http.SendAsync(request);
            string Header(string name) => string.Join(',', answer.Headers.GetValues(name));
            Assert.Contains("default-src 'self'", Header("Content-Security-Policy"), StringComparison.Ordinal);
            Assert.Contains("frame-ancestors 'none'", Header("Content-Security-Policy"), StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe", Header("Content-Security-Policy"), StringComparison.Ordinal);
            Assert.Equal("nosniff", Header("X-Content-Type-Options"));
            Assert.Equal("no-referrer", Header("Referrer-Policy"));
            Assert.Equal("same-origin", Header("Cross-Origin-Resource-Policy"));
            Assert.False(answer.Headers.Contains("Access-Control-Allow-Origin"));
            Assert.False(answer.Headers.Contains("Server"));
        }
    }

    [Fact]
    public async Task A_caller_that_asks_too_often_is_told_to_wait_and_others_are_not()
    {
        string[] keys = [];
        await using ServerHarness server = await ServerHarness.StartAsync(
            (harness, options) =>
            {
                keys = [harness.AddKey("anna", RoleName.User), harness.AddKey("bert", RoleName.User)];
                return options with { RequestsPerSecond = 1 };
            }
        );
        using CoserClient anna = server.With(keys[0]);
        using CoserClient bert = server.With(keys[1]);
        async Task Ask()
        {
            for (int i = 0; i < 20; i++)
                await anna.ListAsync();
        }
        CoserApiException e = await ServerAssert.RefusedAsync(ProblemCode.RateLimited, Ask);
        Assert.True(e.RetryAfter >= TimeSpan.FromSeconds(1));
        await bert.ListAsync();
    }

    [Fact]
    public async Task Nothing_of_a_photo_is_in_the_log()
    {
        await using ServerHarness server = await ServerHarness.StartWorkingAsync();
        const string Secret = "holiday-of-ada";
        JobView done = await server.SubmitAsync(Secret + ".png", new JobSettings { Prompt = "prompt " + Secret });
        await server.UntilAsync(done.Id, j => j.State == JobStatus.Done);
        JobView failed = await server.SubmitAsync(Secret + "-damaged.png");
        await server.UntilAsync(failed.Id, j => j.State == JobStatus.Failed);
        await ServerAssert.RefusedAsync(
            ProblemCode.NotAnImage,
            () => server.Client.SubmitAsync(new MemoryStream("no photo"u8.ToArray()), Secret)
        );
        Directory.Delete(Path.Combine(server.Store.Folder, "incoming"));
        await ServerAssert.RefusedAsync(ProblemCode.Unavailable, () => server.SubmitAsync(Secret + "-b.png"));
        Directory.CreateDirectory(Path.Combine(server.Store.Folder, "incoming"));
        Assert.Contains(server.Log, l => l.Contains($"job {done.Id} done", StringComparison.Ordinal));
        Assert.Contains(server.Log, l => l.Contains("could not be used", StringComparison.Ordinal));
        Assert.DoesNotContain(server.Log, l => l.Contains(Secret, StringComparison.Ordinal));
    }

    // The file is looked at once a second.
    private static async Task WithKeysAsync(ServerHarness server)
    {
        for (int i = 0; i < 100 && !(await server.Client.SessionAsync()).Required; i++)
            await Task.Delay(50);
    }

    private static string Own(ServerHarness server) => $"http://127.0.0.1:{server.Address.Port}";

    private static async Task<HttpResponseMessage> SignInAsync(ServerHarness server, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "api/v1/session")
        {
            Content = ServerAssert.Json($$"""{"key":"{{key}}"}"""),
        };
        request.Headers.Add("Origin", Own(server));
        return await server.Http.SendAsync(request);
    }

    private static async Task<HttpResponseMessage> CookieAsync(
        ServerHarness server,
        string cookie,
        HttpMethod method,
        string address,
        string? origin = null
    )
    {
        using var request = new HttpRequestMessage(method, address);
        request.Headers.Add("Cookie", cookie);
        if (origin is not null)
            request.Headers.Add("Origin", origin);
        return await server.Http.SendAsync(request);
    }
}
