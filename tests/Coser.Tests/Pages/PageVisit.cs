using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace Coser.Tests.Pages;

/// <summary>Somebody's visit to the page, with everything the browser complained of.</summary>
public sealed class PageVisit : IAsyncDisposable
{
    // A drop as the browser makes it: from outside, with files in it.
    private const string Drop = """
        async (files) => {
          const transfer = new DataTransfer();
          for (const { name, data } of files) {
            const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
            transfer.items.add(new File([bytes], name));
          }
          for (const type of ["dragenter", "dragover", "drop"])
            document.body.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }
        """;
    private readonly IBrowserContext _context;
    private readonly ConcurrentQueue<string> _complaints = new();

    private PageVisit(IBrowserContext context) => _context = context;

    /// <summary>The first tab.</summary>
    public IPage Page { get; private set; } = null!;

    /// <summary>The photos of the contact sheet.</summary>
    public ILocator Frames => Page.Locator(".frame");

    internal static async Task<PageVisit> BeginAsync(IBrowserContext context)
    {
        var visit = new PageVisit(context);
        // Says which rule was broken where; the console's line alone does not.
        await context.AddInitScriptAsync(
            "addEventListener('securitypolicyviolation', (e) => console.error('CSP', e.violatedDirective, e.blockedURI, e.sourceFile))"
        );
        visit.Page = await visit.NewTabAsync();
        return visit;
    }

    /// <summary>Another tab of the same browser, with the page in it.</summary>
    public async Task<IPage> NewTabAsync()
    {
        IPage page = await _context.NewPageAsync();
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                _complaints.Enqueue($"{message.Type}: {message.Text} ({message.Location})");
        };
        page.PageError += (_, error) => _complaints.Enqueue(error);
        // A dialog of the browser would mean that somebody's text ran as a script.
        page.Dialog += (_, dialog) => _complaints.Enqueue($"dialog: {dialog.Message}");
        await page.GotoAsync("/");
        return page;
    }

    /// <summary>Drops photos of these names onto the page.</summary>
    public Task DropAsync(params IEnumerable<(string Name, string Path)> photos) =>
        Page.EvaluateAsync(
            Drop,
            photos
                .Select(p => new { name = p.Name, data = Convert.ToBase64String(File.ReadAllBytes(p.Path)) })
                .ToArray()
        );

    /// <summary>Nothing went to the console, no script failed, no rule of the content security policy was broken.</summary>
    /// <param name="expected">What may be complained of, by a part of its text.</param>
    public void AssertQuiet(string? expected = null) =>
        Assert.DoesNotContain(_complaints, c => expected is null || !c.Contains(expected, StringComparison.Ordinal));

    public async ValueTask DisposeAsync() => await _context.CloseAsync();
}
