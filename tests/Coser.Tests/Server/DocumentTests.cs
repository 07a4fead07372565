using System.IO.Compression;
using System.Net;
using System.Text.RegularExpressions;
using Coser.Client.Contract;
using Microsoft.OpenApi;
using Microsoft.OpenApi.Reader;

namespace Coser.Tests.Server;

/// <summary>What the server says of itself: its document and reference, health, the page's files.</summary>
public sealed partial class DocumentTests
{
    [Fact]
    public async Task The_document_is_valid_and_has_every_address_described()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        ReadResult read = OpenApiDocument.Parse(await server.Http.GetStringAsync("openapi/v1.json"), "json");
        Assert.Empty(read.Diagnostic!.Errors);
        Assert.Empty(read.Diagnostic.Warnings);
        Dictionary<string, OpenApiOperation> operations = read.Document!.Paths.SelectMany(p =>
                p.Value.Operations!.Select(o => ($"{o.Key.Method} {p.Key["/api/v1".Length..]}", o.Value))
            )
            .ToDictionary();
        Assert.Equal(
            [
                "DELETE /jobs/{id}",
                "DELETE /session",
                "GET /events",
                "GET /jobs",
                "GET /jobs/{id}",
                "GET /jobs/{id}/events",
                "GET /jobs/{id}/files/{role}",
                "GET /jobs/{id}/files/{role}/view",
                "GET /jobs/{id}/preview",
                "GET /models",
                "GET /options",
                "GET /session",
                "GET /workers",
                "POST /jobs",
                "POST /jobs/{id}/cancel",
                "POST /jobs/{id}/pause",
                "POST /jobs/{id}/resume",
                "POST /jobs/{id}/retry",
                "POST /session",
            ],
            operations.Keys.Order(StringComparer.Ordinal)
        );
        Assert.All(operations, o => Assert.True(o.Value.Summary?.Length > 5, o.Key));
        Assert.All(operations, o => Assert.NotEmpty(o.Value.Responses!));
        Assert.Equal(operations.Count, operations.Values.Select(o => o.OperationId).Distinct().Count());
        Assert.Contains("multipart/form-data", operations["POST /jobs"].RequestBody!.Content!.Keys);
        Assert.Contains("413", operations["POST /jobs"].Responses!.Keys);
        IOpenApiSchema job = read.Document.Components!.Schemas![nameof(JobView)];
        Assert.Contains("position", job.Properties!.Keys);
        Assert.Contains("Place in the queue", job.Properties["position"].Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_reference_loads_nothing_from_elsewhere()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        using HttpResponseMessage answer = await server.Http.GetAsync("api/");
        string html = await answer.Content.ReadAsStringAsync();
        Assert.DoesNotMatch(Elsewhere(), html);
        string[] scripts = [.. Script().Matches(html).Select(m => m.Groups["file"].Value)];
        Assert.NotEmpty(scripts);
        foreach (string script in scripts)
        {
            using HttpResponseMessage file = await server.Http.GetAsync(new Uri(server.Address, "/api/" + script));
            Assert.Equal(HttpStatusCode.OK, file.StatusCode);
            Assert.True((await file.Content.ReadAsByteArrayAsync()).Length > 1000, script);
        }
        string policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("default-src 'self'", policy, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"https?:", policy);
    }

    [Fact]
    public async Task Health_options_models_and_workers_are_told()
    {
        await using ServerHarness server = await ServerHarness.StartWorkingAsync(o =>
            o with
            {
                MaxQueue = 17,
                Version = "1.2.3+abc",
            }
        );
        Assert.Equal("Healthy", await server.Http.GetStringAsync("health/live"));
        Assert.Equal("Healthy", await server.Http.GetStringAsync("health/ready"));
        Capabilities can = await server.Client.CapabilitiesAsync();
        Assert.Equal(("coser-mini", "1.2.3+abc", "cpu", 17), (can.Model, can.Version, can.Device, can.Limits.Queue));
        ModelChoice mini = can.Models.Single(m => m.Name == "coser-mini");
        Assert.True(mini.Ready);
        Assert.Contains("scale", mini.Controls);
        ModelView full = (await server.Client.ModelsAsync()).Single(m => m.Name == "coser-mini");
        Assert.Equal(64, full.Hash.Length);
        Assert.Contains(full.Components, c => c.Role == "presr" && c.Parameters > 1_000_000);
        Assert.NotEmpty(full.Licence);
        WorkerView worker = Assert.Single(await server.Client.WorkersAsync());
        Assert.Equal("cpu", worker.Device);

        Directory.Delete(Path.Combine(server.Store.Folder, "incoming"), recursive: true);
        using HttpResponseMessage ready = await server.Http.GetAsync("health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Equal("Healthy", await server.Http.GetStringAsync("health/live"));
    }

    [Fact]
    public async Task The_dashboard_is_for_those_with_a_key_and_read_only_but_for_admins()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        Assert.Contains("Shards of batches", await server.Http.GetStringAsync("dashboard"), StringComparison.Ordinal);
        string user = server.AddKey("anna", RoleName.User);
        string admin = server.AddKey("adam", RoleName.Admin);
        await server.RestartAsync();
        async Task<(HttpStatusCode Status, string Text)> Ask(HttpMethod method, string address, string? key)
        {
            using var request = new HttpRequestMessage(method, address);
            if (key is not null)
                request.Headers.Add("X-API-Key", key);
            if (method == HttpMethod.Post)
                request.Content = new FormUrlEncodedContent([new("jobs[]", "1")]);
            using HttpResponseMessage answer = await server.Http.SendAsync(request);
            return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
        }
        foreach (string address in new[] { "dashboard", "metrics", "dashboard/jobs/enqueued" })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await Ask(HttpMethod.Get, address, null)).Status);
            Assert.Equal(HttpStatusCode.OK, (await Ask(HttpMethod.Get, address, user)).Status);
        }
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            (await Ask(HttpMethod.Post, "dashboard/jobs/enqueued/delete", user)).Status
        );
        Assert.Equal(
            HttpStatusCode.NoContent,
            (await Ask(HttpMethod.Post, "dashboard/jobs/enqueued/delete", admin)).Status
        );
    }

    [Fact]
    public async Task The_page_is_compressed_checked_each_time_and_missed_politely()
    {
        await using (ServerHarness bare = await ServerHarness.StartAsync())
            Assert.Contains("/api", await bare.Http.GetStringAsync(""), StringComparison.Ordinal);
        await using ServerHarness server = await ServerHarness.StartAsync(
            (harness, options) =>
            {
                Directory.CreateDirectory(harness.File("page/app"));
                File.WriteAllText(harness.File("page/index.html"), new string('x', 5000));
                File.WriteAllText(harness.File("page/manifest.webmanifest"), "{}");
                File.WriteAllText(harness.File("page/app/main.js"), "1");
                return options with { PageFolder = harness.File("page") };
            }
        );
        using var request = new HttpRequestMessage(HttpMethod.Get, "");
        request.Headers.Add("Accept-Encoding", "br");
        using HttpResponseMessage page = await server.Http.SendAsync(request);
        Assert.Equal("br", page.Content.Headers.ContentEncoding.Single());
        await using (var text = new BrotliStream(await page.Content.ReadAsStreamAsync(), CompressionMode.Decompress))
            Assert.Equal(5000, (await new StreamReader(text).ReadToEndAsync()).Length);
        Assert.Equal("no-cache", page.Headers.CacheControl!.ToString());
        Assert.NotNull(page.Headers.ETag);
        using HttpResponseMessage manifest = await server.Http.GetAsync("manifest.webmanifest");
        Assert.Equal("application/manifest+json", manifest.Content.Headers.ContentType!.MediaType);
        Assert.Equal("1", await server.Http.GetStringAsync("app/main.js"));
        ProblemView missing = await server.ProblemAsync(new HttpRequestMessage(HttpMethod.Get, "app/other.js"));
        Assert.Equal(ProblemCode.NotFound, missing.Code);
        ProblemView method = await server.ProblemAsync(new HttpRequestMessage(HttpMethod.Put, "api/v1/jobs"));
        Assert.Equal(405, method.Status);
    }

    // Anything a browser would fetch: an attribute or an import with another host.
    [GeneratedRegex("(src|href|from|import|url\\()\\s*=?\\s*[\"'(]?(https?:)?//", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Elsewhere();

    [GeneratedRegex("src=\"(?<file>[^\"]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Script();
}
