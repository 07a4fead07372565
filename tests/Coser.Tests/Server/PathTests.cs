using System.Net.Sockets;
using System.Text;
using Coser.Client.Contract;
using Coser.Jobs.Model;

namespace Coser.Tests.Server;

/// <summary>No path from outside leads out of the allowed folder, or anywhere at all where there is none.</summary>
public sealed class PathTests
{
    public static TheoryData<string> Ways() =>
        new(
            "",
            ".",
            "..",
            "/etc/passwd",
            "//etc/passwd",
            "../secret.png",
            "deep/../../secret.png",
            "deep/./a.png",
            "./a.png",
            "deep//a.png",
            "deep/",
            "deep",
            "a.png/",
            "..\\secret.png",
            "deep\\..\\..\\secret.png",
            "%2e%2e/secret.png",
            "..%2fsecret.png",
            "....//secret.png",
            "a.png\0.jpg",
            "a.png\n",
            "C:/secret.png",
            "file:///etc/passwd",
            "~/secret.png",
            "link.png",
            "linked/secret.png",
            "dangling.png",
            "pipe",
            "missing.png",
            "../root2/secret.png"
        );

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Ways_out_of_the_allowed_folder_end_nowhere(string path)
    {
        await using ServerHarness server = await StartAsync();
        await ServerAssert.RefusedAsync(ProblemCode.NotFound, () => server.Client.SubmitServerFileAsync(path));
        Assert.Equal(0, (await server.Client.ListAsync()).Counts["queued"]);
    }

    [Fact]
    public async Task A_photo_below_the_allowed_folder_is_copied_into_the_store()
    {
        await using ServerHarness server = await StartAsync();
        JobView job = await server.Client.SubmitServerFileAsync("deep/a.png", new JobSettings { Seed = 5 });
        Assert.Equal(("a.png", 5, 12), (job.Name, job.Options.Seed, job.Width));
        Job stored = (await server.Ledger.FindAsync(job.Id))!;
        Assert.Null(stored.Request.InputPath);
        Assert.True(server.Store.Contains(stored.Request.InputHash!));
    }

    [Fact]
    public async Task Without_an_allowed_folder_no_path_is_taken_and_a_missing_one_does_not_start()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        await ServerAssert.RefusedAsync(ProblemCode.Forbidden, () => server.Client.SubmitServerFileAsync("a.png"));
        JobsException e = await Assert.ThrowsAsync<JobsException>(() =>
            ServerHarness.StartAsync(o => o with { Root = "/no/such/folder" })
        );
        Assert.Contains("--root", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("..%2f..%2fetc%2fpasswd")]
    [InlineData("..%5c..%5cjobs.db")]
    [InlineData("%00")]
    [InlineData("....")]
    public async Task Roles_ids_and_pages_are_no_paths(string way)
    {
        await using ServerHarness server = await StartAsync();
        Directory.CreateDirectory(server.File("page"));
        JobView job = await server.SubmitAsync("a.png");
        foreach (
            string address in new[]
            {
                $"api/v1/jobs/{job.Id}/files/{way}",
                $"api/v1/jobs/{job.Id}/files/{way}/view",
                $"api/v1/jobs/{way}",
                $"api/v1/jobs/{way}/preview",
                way,
                $"app/{way}",
            }
        )
        {
            using HttpResponseMessage answer = await server.Http.GetAsync(address);
            Assert.True((int)answer.StatusCode is 404 or 400, $"{address}: {answer.StatusCode}");
        }
    }

    [Theory]
    [InlineData("/../jobs.db")]
    [InlineData("/app/../../jobs.db")]
    [InlineData("/app/..%2f..%2fjobs.db")]
    [InlineData("/%2e%2e/jobs.db")]
    [InlineData("//jobs.db")]
    [InlineData("/..\\jobs.db")]
    public async Task What_lies_beside_the_page_is_not_served(string target)
    {
        await using ServerHarness server = await ServerHarness.StartAsync(
            (harness, options) =>
            {
                Directory.CreateDirectory(harness.File("page/app"));
                File.WriteAllText(harness.File("page/index.html"), "page");
                return options with { PageFolder = harness.File("page") };
            }
        );
        Assert.True(File.Exists(server.File("jobs.db")));
        // By hand: HttpClient would tidy the address up.
        using var connection = new TcpClient();
        await connection.ConnectAsync("127.0.0.1", server.Address.Port);
        await using NetworkStream stream = connection.GetStream();
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes($"GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        );
        using var reader = new StreamReader(stream);
        string answer = await reader.ReadToEndAsync();
        Assert.Matches("^HTTP/1.1 (400|404) ", answer);
        Assert.DoesNotContain("SQLite", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Photos_of_batches_that_lie_elsewhere_are_not_given_out()
    {
        await using ServerHarness server = await ServerHarness.StartAsync();
        Job job = await server.Ledger.SubmitAsync(
            new NewJob
            {
                Name = "a.png",
                Options = new JobOptions(),
                InputPath = server.Picture("a.png"),
            }
        );
        Assert.Empty((await server.Client.GetAsync(job.Id)).Files);
        await ServerAssert.RefusedAsync(ProblemCode.NotFound, () => server.Client.OpenFileAsync(job.Id, "input"));
        await ServerAssert.RefusedAsync(ProblemCode.Conflict, () => server.Client.SubmitAgainAsync(job.Id));
    }

    private static Task<ServerHarness> StartAsync() =>
        ServerHarness.StartAsync(
            (harness, options) =>
            {
                string root = harness.File("root");
                foreach (
                    string folder in new[]
                    {
                        Path.Combine(root, "deep"),
                        harness.File("elsewhere"),
                        harness.File("root2"),
                    }
                )
                    Directory.CreateDirectory(folder);
                foreach (
                    string name in new[]
                    {
                        "secret.png",
                        "root/a.png",
                        "root/deep/a.png",
                        "elsewhere/secret.png",
                        "root2/secret.png",
                    }
                )
                    harness.Picture(name);
                File.CreateSymbolicLink(Path.Combine(root, "link.png"), harness.File("secret.png"));
                File.CreateSymbolicLink(Path.Combine(root, "dangling.png"), harness.File("nothing"));
                Directory.CreateSymbolicLink(Path.Combine(root, "linked"), harness.File("elsewhere"));
                using var pipe = System.Diagnostics.Process.Start("mkfifo", [Path.Combine(root, "pipe")]);
                pipe.WaitForExit();
                return options with { Root = root };
            }
        );
}
