using Coser.Checkpoints;
using Coser.Client.Contract;
using Coser.Imaging;
using Coser.Jobs.Work;
using Coser.Restoration;
using Coser.Tests.Server;
using Microsoft.Playwright;
using NetVips;
using TorchSharp;

namespace Coser.Tests.Pages;

/// <summary>A real photo through the page, the server, the worker and the embedded model, and back.</summary>
[Collection(PageTests.Name)]
public sealed class RestoreTests(PageBrowser browser)
{
    // The networks may run in bfloat16 in one process and not in the other: half a level of 255 on average.
    private const double Tolerance = 0.5;
    private static readonly string Ladybird = Path.Combine(Repository.Root, "samples", "ladybird.jpg");

    [Fact]
    public async Task A_dropped_photo_is_restored_seen_under_the_slider_and_saved()
    {
        using var folder = new TemporaryFolder();
        await using ServerHarness server = await PageServer.StartAsync(_ =>
            // As many threads as the library will have here: texture depends on them.
            PageServer.RealWorker with
            {
                Threads = torch.get_num_threads(),
            }
        );
        await using PageVisit visit = await browser.OpenAsync(server.Address);
        IPage page = visit.Page;
        await visit.DropAsync(("ladybird.jpg", Ladybird));
        await page.Locator(".develop h3").WaitForAsync();
        await page.Locator(".frame[data-state=done]").WaitForAsync(new LocatorWaitForOptions { Timeout = 180_000 });
        await page.GetByRole(AriaRole.Link, new PageGetByRoleOptions { Name = "ladybird.jpg" }).ClickAsync();

        // The line goes where it is dragged, and the pictures on its two sides are not the same.
        ILocator line = page.GetByRole(AriaRole.Slider, new PageGetByRoleOptions { Name = "Line between" });
        await Assertions.Expect(line).ToHaveAttributeAsync("aria-valuenow", "50");
        LocatorBoundingBoxResult box = (await page.Locator("#stage-panel .stage").BoundingBoxAsync())!;
        await page.Mouse.MoveAsync(box.X + box.Width / 2, box.Y + box.Height / 2);
        await page.Mouse.DownAsync();
        await page.Mouse.MoveAsync(box.X + box.Width / 4, box.Y + box.Height / 2, new MouseMoveOptions { Steps = 5 });
        await page.Mouse.UpAsync();
        await Assertions.Expect(line).ToHaveAttributeAsync("aria-valuenow", "25");
        await Assertions.Expect(page.Locator(".layer img")).ToHaveCountAsync(2);
        await page.Keyboard.PressAsync("End");
        byte[] before = await page.Locator("#stage-panel .stage").ScreenshotAsync();
        await page.Keyboard.PressAsync("Home");
        byte[] after = await page.Locator("#stage-panel .stage").ScreenshotAsync();
        Assert.True(Difference(before, after) > 1, "both sides show the same picture");

        IDownload download = await page.RunAndWaitForDownloadAsync(() =>
            page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Download" }).ClickAsync()
        );
        Assert.Equal("ladybird.x4.jpg", download.SuggestedFilename);
        string saved = folder.File("saved.jpg");
        await download.SaveAsAsync(saved);

        JobView job = Assert.Single((await server.Client.ListAsync()).Jobs);
        byte[] given = await server.Http.GetByteArrayAsync($"/api/v1/jobs/{job.Id}/files/result");
        Assert.Equal(given, await File.ReadAllBytesAsync(saved));
        Assert.InRange(Difference(await File.ReadAllBytesAsync(saved), Library(folder.File("own.jpg"))), 0, Tolerance);
        visit.AssertQuiet();
    }

    /// <summary>What the library makes of the photo.</summary>
    private static byte[] Library(string output)
    {
        using ModelDirectory model = ModelDirectory.Open(ModelDirectory.Find("coser-mini"));
        using var resolver = new SuperResolver(model);
        using Photo photo = Photo.Open(Ladybird);
        using RestoredPhoto restored = resolver.Restore(photo, new RestoreOptions { Scale = 4 });
        restored.Photo.Save(output);
        return File.ReadAllBytes(output);
    }

    /// <summary>Mean distance of the pixels of two pictures, in levels of 255.</summary>
    private static double Difference(byte[] a, byte[] b)
    {
        using Image first = Image.NewFromBuffer(a);
        using Image second = Image.NewFromBuffer(b);
        Assert.Equal((first.Width, first.Height, first.Bands), (second.Width, second.Height, second.Bands));
        using Image distance = (first - second).Abs();
        return distance.Avg();
    }
}
