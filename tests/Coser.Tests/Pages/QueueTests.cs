using Coser.Client.Contract;
using Coser.Tests.Server;
using Microsoft.Playwright;

namespace Coser.Tests.Pages;

/// <summary>What is in work, waits and has ended, on the page.</summary>
[Collection(PageTests.Name)]
public sealed class QueueTests(PageBrowser browser)
{
    [Fact]
    public async Task A_reload_in_the_middle_loses_nothing()
    {
        await using ServerHarness server = await PageServer.StartQuickAsync();
        await using PageVisit visit = await browser.OpenAsync(server.Address);
        IPage page = visit.Page;
        ILocator card = page.Locator(".develop");
        // One after the other: photos that are dropped together are sent together, and either may arrive first.
        await visit.DropAsync(("slow.png", server.Picture("slow.png")));
        await Assertions.Expect(card.Locator("h3")).ToHaveTextAsync("slow.png");
        await visit.DropAsync(("next.png", server.Picture("next.png")));
        await Assertions.Expect(page.Locator("#waiting-list .place")).ToHaveTextAsync("next");
        // The preview that has come, and how far the sampler is.
        await card.Locator("[data-source=preview] img").First.WaitForAsync();
        await page.ReloadAsync();
        await Assertions.Expect(card.Locator("h3")).ToHaveTextAsync("slow.png");
        await card.Locator("[data-source=preview] img").First.WaitForAsync();
        await Assertions.Expect(card.Locator("[aria-current=step]")).ToContainTextAsync("1 / 4");
        await Assertions.Expect(page.Locator("#waiting-list .name")).ToHaveTextAsync("next.png");
        await Assertions.Expect(page.Locator("#waiting-list .place")).ToHaveTextAsync("next");
        visit.AssertQuiet();
    }

    [Fact]
    public async Task A_photo_is_paused_resumed_cancelled_and_run_again()
    {
        await using ServerHarness server = await PageServer.StartQuickAsync();
        await using PageVisit visit = await browser.OpenAsync(server.Address);
        IPage page = visit.Page;
        await visit.DropAsync(("slow.png", server.Picture("slow.png")));
        await page.Locator(".develop[data-state=running] [data-source=preview]").WaitForAsync();
        await Button(page.Locator(".develop"), "Pause").ClickAsync();
        await page.Locator(".develop[data-state=paused]").WaitForAsync();
        await Button(page.Locator(".develop"), "Resume").ClickAsync();
        await page.Locator(".develop[data-state=running]").WaitForAsync();
        await Button(page.Locator(".develop"), "Cancel").ClickAsync();
        await page.Locator(".frame[data-state=cancelled]").WaitForAsync();
        JobView job = Assert.Single((await server.Client.ListAsync()).Jobs);
        Assert.Equal(JobStatus.Cancelled, job.State);
        // Undone, it runs again.
        await page.Locator(".toast")
            .GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Undo" })
            .ClickAsync();
        await page.Locator(".develop[data-state=running]").WaitForAsync();
        visit.AssertQuiet();
    }

    [Fact]
    public async Task Two_tabs_agree()
    {
        await using ServerHarness server = await PageServer.StartQuickAsync();
        await using PageVisit visit = await browser.OpenAsync(server.Address);
        IPage second = await visit.NewTabAsync();
        await visit.DropAsync(("a.png", server.Picture("a.png")));
        await Assertions.Expect(visit.Frames).ToHaveCountAsync(1);
        await visit.DropAsync(("slow.png", server.Picture("slow.png")));
        foreach (IPage tab in new[] { visit.Page, second })
        {
            await Assertions.Expect(tab.Locator(".frame .name")).ToHaveTextAsync("a.png");
            await Assertions.Expect(tab.Locator(".develop h3")).ToHaveTextAsync("slow.png");
        }
        await Button(second.Locator(".develop"), "Cancel").ClickAsync();
        await Assertions.Expect(visit.Page.Locator(".frame")).ToHaveCountAsync(2);
        await Assertions.Expect(visit.Page.Locator(".develop")).ToHaveCountAsync(0);
        visit.AssertQuiet();
    }

    [Fact]
    public async Task What_fails_says_why_and_a_deletion_can_be_undone()
    {
        await using ServerHarness server = await PageServer.StartQuickAsync();
        await using PageVisit visit = await browser.OpenAsync(server.Address);
        IPage page = visit.Page;
        await visit.DropAsync(("damaged.png", server.Picture("damaged.png")));
        ILocator frame = page.Locator(".frame[data-state=failed]");
        await Assertions.Expect(frame.Locator(".facts")).ToContainTextAsync("it is damaged");
        await frame.HoverAsync();
        await Button(frame, "Delete damaged.png").ClickAsync();
        await Assertions.Expect(visit.Frames).ToHaveCountAsync(0);
        await page.Locator(".toast", new PageLocatorOptions { HasText = "deleted" })
            .GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = "Undo" })
            .ClickAsync();
        await Assertions.Expect(visit.Frames).ToHaveCountAsync(1);
        Assert.Single((await server.Client.ListAsync()).Jobs);
        visit.AssertQuiet();
    }

    [Fact]
    public async Task A_file_that_is_no_photo_is_refused_in_words()
    {
        await using ServerHarness server = await PageServer.StartQuickAsync();
        await using PageVisit visit = await browser.OpenAsync(server.Address);
        string notes = server.File("notes.txt");
        await File.WriteAllTextAsync(notes, "no photo at all");
        await visit.DropAsync(("notes.txt", notes));
        ILocator row = visit.Page.Locator(".row-upload[data-state=failed]");
        await Assertions.Expect(row).ToContainTextAsync("notes.txt");
        await Assertions.Expect(row).ToContainTextAsync("not sent");
        Assert.Empty((await server.Client.ListAsync()).Jobs);
        // The browser itself reports the answer 415.
        visit.AssertQuiet(expected: "415");
    }

    [Fact]
    public async Task A_hostile_name_is_only_text()
    {
        const string Name = "\"><img src=x onerror=alert(1)> &amp; <script>alert(2) \u202egnp.png";
        await using ServerHarness server = await PageServer.StartQuickAsync();
        await using PageVisit visit = await browser.OpenAsync(server.Address);
        IPage page = visit.Page;
        await visit.DropAsync((Name, server.Picture("plain.png")));
        await visit.Frames.First.WaitForAsync();
        JobView job = Assert.Single((await server.Client.ListAsync()).Jobs);
        await Assertions.Expect(page.Locator(".frame .name")).ToHaveTextAsync(job.Name);
        Assert.Contains("onerror=alert(1)", job.Name, StringComparison.Ordinal);
        await page.Locator(".frame .name").ClickAsync();
        await Assertions.Expect(page.Locator(".viewer h1")).ToHaveTextAsync(job.Name);
        Assert.Equal(0, await page.Locator("img[src=x], main script").CountAsync());
        visit.AssertQuiet();
    }

    [Fact]
    public async Task A_photo_that_is_done_before_the_news_begin_is_seen()
    {
        await using ServerHarness server = await PageServer.StartQuickAsync();
        await using PageVisit visit = await browser.OpenAsync(server.Address);
        IPage page = visit.Page;
        var ended = new TaskCompletionSource();
        await page.RouteAsync(
            "**/events",
            async route =>
            {
                await ended.Task;
                await route.ContinueAsync();
            }
        );
        await page.ReloadAsync();
        await page.Locator("#home.is-loaded").WaitForAsync(); // the lists have been asked for, and are empty
        await page.RunAndWaitForResponseAsync(
            () => visit.DropAsync(("plain.png", server.Picture("plain.png"))),
            answer => answer.Request.Method == "POST"
        );
        await server.Client.WaitAsync(Assert.Single((await server.Client.ListAsync()).Jobs).Id);
        ended.SetResult();
        await visit.Frames.First.WaitForAsync();
        visit.AssertQuiet();
    }

    private static ILocator Button(ILocator place, string name) =>
        place.GetByRole(AriaRole.Button, new LocatorGetByRoleOptions { Name = name });
}
