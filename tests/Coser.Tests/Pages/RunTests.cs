using Coser.Client.Contract;
using Coser.Tests.Server;
using Microsoft.Playwright;

namespace Coser.Tests.Pages;

/// <summary>Trying again, comparing, and what the network does in between.</summary>
[Collection(PageTests.Name)]
public sealed class RunTests(PageBrowser browser)
{
    [Fact]
    public async Task A_photo_is_tried_again_and_its_runs_are_seen_side_by_side_in_step()
    {
        await using ServerHarness server = await PageServer.StartQuickAsync();
        await using PageVisit visit = await browser.OpenAsync(server.Address);
        IPage page = visit.Page;
        await visit.DropAsync(("a.png", server.Picture("a.png")));
        await visit.Frames.Locator(".name").ClickAsync();
        await page.Locator("[data-act=again]").ClickAsync();
        await page.Locator(".again summary").First.ClickAsync();
        await page.Locator(".again [name=scale]").FillAsync("2");
        await page.Locator(".again-actions .primary").ClickAsync();
        await page.Locator("[data-act=compare]").ClickAsync();

        ILocator panes = page.Locator(".compare-figure");
        await Assertions.Expect(panes).ToHaveCountAsync(2);
        await Assertions.Expect(panes.Nth(0).Locator(".differences")).ToHaveTextAsync("enlargement 4×");
        await Assertions.Expect(panes.Nth(1).Locator(".differences")).ToHaveTextAsync("enlargement 2×");
        string fitted = await page.Locator(".zoom-reading").InnerTextAsync();
        await panes.Nth(0).Locator(".stage").HoverAsync();
        await page.Mouse.WheelAsync(0, -500);
        await Assertions.Expect(page.Locator(".zoom-reading")).Not.ToHaveTextAsync(fitted);
        string[] places = await page.EvaluateAsync<string[]>(
            "() => [...document.querySelectorAll('.layer')].map((l) => l.style.transform + l.style.width)"
        );
        Assert.Equal(places[0], places[1]);

        IReadOnlyList<JobView> jobs = (await server.Client.ListAsync()).Jobs;
        Assert.Equal(jobs[1].Id, jobs[0].From);
        Assert.Equal((2, 4), (jobs[0].Options.Scale, jobs[1].Options.Scale));
        // One photo, one frame.
        await page.GotoAsync("/");
        await Assertions.Expect(visit.Frames).ToHaveCountAsync(1);
        await Assertions.Expect(visit.Frames.Locator(".badge")).ToHaveTextAsync("2 runs");
        visit.AssertQuiet();
    }

    [Fact]
    public async Task A_photo_dropped_without_a_network_is_sent_when_there_is_one()
    {
        await using ServerHarness server = await PageServer.StartQuickAsync();
        await using PageVisit visit = await browser.OpenAsync(server.Address);
        IPage page = visit.Page;
        await page.Locator(".settings-form").WaitForAsync();
        await page.Context.SetOfflineAsync(true);
        await visit.DropAsync(("a.png", server.Picture("a.png")));
        await Assertions.Expect(page.Locator(".row-upload")).ToContainTextAsync("tries again");
        await Assertions.Expect(page.Locator("#banner")).ToBeVisibleAsync();
        await page.Context.SetOfflineAsync(false);
        await visit.Frames.First.WaitForAsync();
        await Assertions.Expect(page.Locator("#banner")).ToBeHiddenAsync();
        await Assertions.Expect(page.Locator(".row-upload")).ToHaveCountAsync(0);
        Assert.Single((await server.Client.ListAsync()).Jobs);
        visit.AssertQuiet(expected: "ERR_INTERNET_DISCONNECTED");
    }

    [Fact]
    public async Task Settings_are_remembered_and_sent()
    {
        await using ServerHarness server = await PageServer.StartQuickAsync();
        await using PageVisit visit = await browser.OpenAsync(server.Address);
        IPage page = visit.Page;
        await page.Locator("#settings .fold summary").First.ClickAsync();
        await page.Locator("#settings [name=format]").SelectOptionAsync("webp");
        await page.ReloadAsync();
        await page.Locator("#settings .fold summary").First.ClickAsync();
        await Assertions.Expect(page.Locator("#settings [name=format]")).ToHaveValueAsync("webp");
        await visit.DropAsync(("a.png", server.Picture("a.png")));
        await visit.Frames.First.WaitForAsync();
        Assert.Equal(FormatName.Webp, Assert.Single((await server.Client.ListAsync()).Jobs).Options.Format);
        visit.AssertQuiet();
    }
}
