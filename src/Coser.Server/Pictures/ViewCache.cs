using System.Collections.Concurrent;
using System.Globalization;
using Coser.Imaging;
using Coser.Jobs.Files;

namespace Coser.Server.Pictures;

/// <summary>
/// Pictures for browsers, made when they are first asked for and kept in the store: each once, and only so many at a time,
/// since each may take a processor and the memory of a whole photo.
/// </summary>
internal sealed class ViewCache(ContentStore store, ServerOptions options) : IDisposable
{
    public const int DefaultSize = 1024;

    // A result has up to 16 times the pixels of its input.
    private const int Enlarged = 16;
    private static readonly int[] Sizes = [256, 1024, 2048, 4096];
    private static readonly string[] Extensions = [".jpg", ".webp"];
    private readonly SemaphoreSlim _makers = new(Math.Clamp(Environment.ProcessorCount / 2, 1, 4));
    private readonly ConcurrentDictionary<string, Lazy<Task<string>>> _making = new(StringComparer.Ordinal);

    /// <summary>The path of a view.</summary>
    /// <exception cref="PhotoException">The file is no photo, or damaged.</exception>
    public async Task<string> GetAsync(string hash, int size, CancellationToken cancel)
    {
        int step = Sizes.FirstOrDefault(s => s >= size, Sizes[^1]);
        string stem = $"{hash}.{step.ToString(CultureInfo.InvariantCulture)}";
        if (Existing(hash, step) is { } there)
            return there;
        Lazy<Task<string>> making = _making.GetOrAdd(
            stem,
            _ => new Lazy<Task<string>>(() => MakeAsync(hash, step, stem))
        );
        try
        {
            // Whoever gives up waiting does not stop it for the others.
            return await making.Value.WaitAsync(cancel);
        }
        finally
        {
            if (making.Value.IsCompleted)
                _making.TryRemove(stem, out _);
        }
    }

    public void Dispose() => _makers.Dispose();

    private string? Existing(string hash, int step) =>
        Extensions
            .Select(e => store.ViewPath(hash, step.ToString(CultureInfo.InvariantCulture) + e))
            .FirstOrDefault(File.Exists);

    private async Task<string> MakeAsync(string hash, int step, string stem)
    {
        await _makers.WaitAsync();
        try
        {
            string folder = Path.GetDirectoryName(store.ViewPath(hash, "jpg"))!;
            var limits = new PhotoLimits { MaxPixels = options.MaxPixels * Enlarged };
            return await Task.Run(() => PhotoView.Write(store.PathOf(hash), folder, stem, step, limits));
        }
        finally
        {
            _makers.Release();
        }
    }
}
