using System.Diagnostics;
using Coser.Client;
using Coser.Client.Contract;
using Coser.Imaging;
using Coser.Jobs.Work;
using Coser.Tests.Cli;
using NetVips;
using TorchSharp;

namespace Coser.Tests.Server;

/// <summary>The embedded model behind the API, and the command that serves it.</summary>
public sealed class RealServerTests
{
    [Fact]
    public async Task A_photo_goes_in_and_comes_back_four_times_larger_with_its_metadata()
    {
        await using ServerHarness server = await ServerHarness.StartAsync(o =>
            o with
            {
                Worker = new WorkerOptions
                {
                    Child = new ChildCommand(
                        "dotnet",
                        [Path.Combine(AppContext.BaseDirectory, "Coser.Cli.dll"), "worker", "child"]
                    ),
                    Poll = TimeSpan.FromMilliseconds(100),
                },
            }
        );
        string sent = server.Picture(
            "ada.jpg",
            30,
            22,
            m => m.Set(GValue.RefStrType, "exif-ifd0-Artist", "Ada (Ada, ASCII, 4 components, 4 bytes)")
        );
        JobView job = await server.Client.SubmitAsync(sent, new JobSettings { Scale = 3 });
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        job = await server.Client.WaitAsync(job.Id, patience.Token);
        Assert.True(job.State == JobStatus.Done, job.Reason);
        Assert.Equal((90, 66, 3), (job.Outcome!.Width, job.Outcome.Height, job.Outcome.Scale));
        Assert.Equal("ada.x3.jpg", job.Files.Single(f => f.Role == FileView.ResultRole).Name);
        string result = server.File("result.jpg");
        await server.Client.DownloadAsync(job.Id, result, cancel: patience.Token);
        using (Image image = Image.NewFromFile(result))
            Assert.StartsWith("Ada", (string)image.Get("exif-ifd0-Artist"), StringComparison.Ordinal);
        Assert.NotNull(PhotoRecord.Read(result));
        using Photo before = Photo.Open(sent);
        using Photo after = Photo.Open(result);
        using torch.Tensor small = before.Read(new PixelArea(0, 0, 30, 22));
        using torch.Tensor back = after.ReadShrunk(30, 22);
        // The same picture: means agree, and it is no flat colour.
        Assert.Equal(small.mean().ToSingle(), back.mean().ToSingle(), 0.05f);
        Assert.True(back.std().ToSingle() > 0.02);
    }

    [Fact]
    public async Task The_command_serves_and_ends_gently()
    {
        using var folder = new TemporaryFolder();
        using Process serve = CommandProcess.StartHeard(
            "serve",
            "--port",
            "0",
            "--database",
            folder.File("jobs.db"),
            "--keys",
            folder.File("keys.json")
        );
        string? line = await serve.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        Assert.True(line?.StartsWith("page  http://localhost:", StringComparison.Ordinal) == true, line);
        using (var client = new CoserClient(new Uri(line!["page  ".Length..])))
        {
            SessionView session = await client.SessionAsync();
            Assert.Equal((false, true, RoleName.Admin), (session.Required, session.SignedIn, session.Role));
            JobView job = await client.SubmitAsync(new MemoryStream(Gif()), "tiny.gif");
            Assert.Equal(1, job.Width);
        }
        using (Process term = Process.Start("kill", ["-TERM", $"{serve.Id}"]))
            await term.WaitForExitAsync();
        string rest = await serve.StandardOutput.ReadToEndAsync();
        await serve.WaitForExitAsync();
        Assert.Equal(Coser.Cli.ExitCode.Cancelled, serve.ExitCode);
        Assert.EndsWith("ended\n", rest, StringComparison.Ordinal);
        Assert.DoesNotContain("tiny", rest, StringComparison.Ordinal);
    }

    private static byte[] Gif() => Convert.FromBase64String("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7");
}
