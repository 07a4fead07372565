using Microsoft.Playwright;

namespace Coser.Tests.Pages;

/// <summary>Debian's Chromium without a window, driven by Playwright; one for all tests of the page.</summary>
public sealed class PageBrowser : IAsyncDisposable
{
    private static readonly string? Program = new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser" }.FirstOrDefault(
        File.Exists
    );
    private IPlaywright? _playwright;
    private IBrowser? _browser;

    /// <summary>Opens the page in a browser that knows nothing yet. Without Chromium, the test is skipped.</summary>
    public async Task<PageVisit> OpenAsync(Uri address, BrowserNewContextOptions? options = null)
    {
        if (Program is null)
        {
            Assert.False(
                Environment.GetEnvironmentVariable("COSER_REQUIRE_CHROMIUM") == "1",
                "Chromium is not installed, and these tests must run here"
            );
            Assert.Skip("Chromium is not installed (apt-get install chromium)");
        }
        _playwright ??= await Playwright.CreateAsync();
        _browser ??= await _playwright.Chromium.LaunchAsync(
            new BrowserTypeLaunchOptions { ExecutablePath = Program, Args = ["--no-sandbox"] }
        );
        options ??= new BrowserNewContextOptions();
        options.BaseURL = address.ToString();
        options.Locale ??= "en-GB";
        options.ViewportSize ??= new ViewportSize { Width = 1280, Height = 800 };
        IBrowserContext context = await _browser.NewContextAsync(options);
        context.SetDefaultTimeout(30_000);
        Assertions.SetDefaultExpectTimeout(30_000);
        return await PageVisit.BeginAsync(context);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
    }
}

/// <summary>Tests that share the browser.</summary>
[CollectionDefinition(Name)]
public sealed class PageTests : ICollectionFixture<PageBrowser>
{
    public const string Name = "page";
}
