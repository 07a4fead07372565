using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.FileProviders;

namespace Coser.Server.Hosting;

/// <summary>The page: files beside the program. Browsers ask each time whether they have changed, and get them compressed.</summary>
internal static class PageFiles
{
    private const string First = "index.html";

    public static void Use(WebApplication app, string folder)
    {
        if (!File.Exists(Path.Combine(folder, First)))
            return;
        var files = new PhysicalFileProvider(Path.GetFullPath(folder));
        app.Lifetime.ApplicationStopped.Register(files.Dispose);
        var types = new FileExtensionContentTypeProvider();
        types.Mappings[".webmanifest"] = "application/manifest+json";
        app.UseDefaultFiles(new DefaultFilesOptions { FileProvider = files, DefaultFileNames = [First] });
        app.UseStaticFiles(
            new StaticFileOptions
            {
                FileProvider = files,
                ContentTypeProvider = types,
                OnPrepareResponse = c => c.Context.Response.Headers.CacheControl = "no-cache",
            }
        );
    }

    /// <summary>Says at / where the API is, when the program was built without its page.</summary>
    public static void MapMissing(WebApplication app, string folder)
    {
        if (!File.Exists(Path.Combine(folder, First)))
            app.MapGet("/", () => Results.Text("CoSeR: this build has no page. The API is explained at /api.\n"))
                .ExcludeFromDescription();
    }
}
