using Coser.Client.Contract;
using Coser.Tests.Server;
using Microsoft.Playwright;

namespace Coser.Tests.Pages;

/// <summary>The page by keyboard, on a phone, in another language, with a key.</summary>
[Collection(PageTests.Name)]
public sealed class AccessibilityTests(PageBrowser browser)
{
    // Elements that reach beyond the window, but for pictures that are meant to be panned.
    private const string Overflow = """
        () => document.documentElement.scrollWidth > innerWidth
          ? [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.className)
          : []
        """;

    // Controls without a name that a screen reader could read.
    private const string Nameless = """
        () => [...document.querySelectorAll("button, a[href], input:not([type=hidden]), select, textarea, [role=slider]")]
          .filter((e) => e.checkVisibility() && !e.getAttribute("aria-label") && !e.textContent.trim() && !e.labels?.length && !e.title)
          .map((e) => e.outerHTML.slice(0, 120))
        """;

    [Fact]
    public async Task All_of_it_works_by_keyboard_alone()
    {
        await using ServerHarness server = await PageServer.StartQuickAsync();
        await server.UntilAsync((await server.SubmitAsync("a.png")).Id, j => j.Outcome is not null);
        await server.UntilAsync((await server.SubmitAsync("b.png")).Id, j => j.Outcome is not null);
        await using PageVisit visit = await browser.OpenAsync(server.Address);
        IPage page = visit.Page;
        await Assertions.Expect(visit.Frames).ToHaveCountAsync(2);

        await page.Keyboard.PressAsync("?");
        await Assertions.Expect(page.Locator("dialog")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(page.Locator("dialog")).ToHaveCountAsync(0);

        // Tab reaches the first photo, arrows the next, X ticks, Enter opens.
        for (int i = 0; i < 40 && await FocusAsync(page) != "b.png"; i++)
            await page.Keyboard.PressAsync("Tab");
        Assert.Equal("b.png", await FocusAsync(page));
        await page.Keyboard.PressAsync("x");
        await page.Keyboard.PressAsync("ArrowRight");
        Assert.Equal("a.png", await FocusAsync(page));
        await page.Keyboard.PressAsync("x");
        await Assertions.Expect(page.Locator("#selection strong")).ToHaveTextAsync("2 selected");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator(".viewer h1")).ToHaveTextAsync("a.png");

        ILocator line = page.GetByRole(AriaRole.Slider, new PageGetByRoleOptions { Name = "Line between" });
        await line.FocusAsync();
        await page.Keyboard.PressAsync("ArrowLeft");
        await page.Keyboard.PressAsync("Shift+ArrowLeft");
        await Assertions.Expect(line).ToHaveAttributeAsync("aria-valuenow", "39");
        await page.Keyboard.PressAsync("2");
        await Assertions.Expect(page.Locator(".zoom-reading")).ToHaveTextAsync("200 %");
        await page.Keyboard.PressAsync("0");
        await page.Keyboard.PressAsync("t");
        await Assertions.Expect(page.Locator("#again-title")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(page.Locator("[data-act=again]")).ToBeFocusedAsync();
        Assert.Empty(await page.EvaluateAsync<string[]>(Nameless));
        await page.Keyboard.PressAsync("j");
        await page.Keyboard.PressAsync("k");
        await Assertions.Expect(page.Locator(".viewer h1")).ToHaveTextAsync("b.png");
        await page.Keyboard.PressAsync("Escape");
        Assert.Equal("b.png", await FocusAsync(page));
        Assert.Empty(await page.EvaluateAsync<string[]>(Nameless));
        visit.AssertQuiet();
    }

    [Fact]
    public async Task A_phone_never_scrolls_sideways()
    {
        await using ServerHarness server = await PageServer.StartQuickAsync();
        await server.UntilAsync((await server.SubmitAsync("a.png")).Id, j => j.Outcome is not null);
        await server.SubmitAsync("slow.png");
        await using PageVisit visit = await browser.OpenAsync(
            server.Address,
            new BrowserNewContextOptions
            {
                ViewportSize = new ViewportSize { Width = 360, Height = 740 },
                IsMobile = true,
                HasTouch = true,
            }
        );
        IPage page = visit.Page;
        await page.Locator(".develop").WaitForAsync();
        await page.Locator("#settings > summary").ClickAsync();
        await page.Locator("#settings select").First.WaitForAsync();
        Assert.Empty(await page.EvaluateAsync<string[]>(Overflow));
        await page.Locator(".frame .name").ClickAsync();
        await page.Locator(".divider").WaitForAsync();
        Assert.Empty(await page.EvaluateAsync<string[]>(Overflow));
        visit.AssertQuiet();
    }

    [Fact]
    public async Task With_keys_one_signs_in_first()
    {
        await using ServerHarness server = await PageServer.StartQuickAsync();
        string key = server.AddKey("anna", RoleName.User);
        await server.RestartAsync();
        await using PageVisit visit = await browser.OpenAsync(server.Address);
        IPage page = visit.Page;
        await page.Locator("dialog input").FillAsync("wrong");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator(".form-error")).Not.ToBeEmptyAsync();
        await page.Locator("dialog input").FillAsync(key);
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.Locator(".who")).ToHaveTextAsync("anna");
        await visit.DropAsync(("a.png", server.Picture("a.png")));
        await visit.Frames.First.WaitForAsync();
        await page.ReloadAsync();
        await visit.Frames.First.WaitForAsync();
        // The browser itself reports the answer to the wrong key.
        visit.AssertQuiet(expected: "401");
    }

    [Fact]
    public async Task It_speaks_German_where_the_browser_does()
    {
        await using ServerHarness server = await PageServer.StartQuickAsync();
        await using PageVisit visit = await browser.OpenAsync(
            server.Address,
            new BrowserNewContextOptions { Locale = "de-DE" }
        );
        await Assertions.Expect(visit.Page.Locator("html")).ToHaveAttributeAsync("lang", "de");
        await Assertions
            .Expect(visit.Page.GetByRole(AriaRole.Button, new PageGetByRoleOptions { Name = "Fotos auswählen" }))
            .ToBeVisibleAsync();
        visit.AssertQuiet();
    }

    /// <summary>What the element with the focus says.</summary>
    private static Task<string> FocusAsync(IPage page) =>
        page.EvaluateAsync<string>("() => document.activeElement.textContent.trim()");
}
