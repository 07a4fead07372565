using Coser.Client.Contract;
using Coser.Jobs.Model;
using Coser.Server.Api;
using Microsoft.AspNetCore.Http;

namespace Coser.Server.Uploads;

/// <summary>
/// The folder whose photos callers may name instead of sending them. A path says where below it, and nothing in it may lead
/// elsewhere: neither .. nor a link, nor a link that is put in its place while we look.
/// </summary>
internal sealed class AllowedRoot
{
    private const int LongestPath = 1000;
    private readonly string? _root;

    /// <exception cref="JobsException">There is no such folder.</exception>
    public AllowedRoot(ServerOptions options)
    {
        if (options.Root is null)
            return;
        if (!Directory.Exists(options.Root))
            throw new JobsException(
                options.Root,
                "there is no such folder to take photos from",
                "Check the path given with --root."
            );
        _root = Canonical(Path.GetFullPath(options.Root));
    }

    /// <summary>Opens a photo by its path below the root.</summary>
    /// <exception cref="ApiProblem">Paths are not allowed, this one leads out, or there is no such file.</exception>
    public FileStream Open(string path)
    {
        if (_root is null)
            throw new ApiProblem(
                StatusCodes.Status403Forbidden,
                ProblemCode.Forbidden,
                "path: this server takes no paths. Send the photo itself, or have its owner name a folder with --root."
            );
        string full = _root;
        foreach (string part in Parts(path))
        {
            full = Path.Combine(full, part);
            // Missing and forbidden look alike from outside.
            if (new FileInfo(full).LinkTarget is not null)
                throw Nothing();
        }
        if (new FileInfo(full) is not { Exists: true, Length: > 0 })
            throw Nothing();
        FileStream file;
        try
        {
            file = new FileStream(full, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.SequentialScan);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Nothing();
        }
        if (IsBelowRoot(file))
            return file;
        file.Dispose();
        throw Nothing();
    }

    private static string[] Parts(string path)
    {
        string[] parts = path.Split('/');
        bool sound =
            path.Length is > 0 and <= LongestPath
            && !Path.IsPathRooted(path)
            && !path.Any(c => char.IsControl(c) || c is '\\' or ':')
            && parts.All(p => p is not ("" or "." or ".."));
        return sound ? parts : throw Nothing();
    }

    private static ApiProblem Nothing() =>
        new(
            StatusCodes.Status404NotFound,
            ProblemCode.NotFound,
            "path: there is no photo there below the allowed folder. Write it as folder/photo.jpg, without links and '..'."
        );

    // What was opened, not what its path was a moment ago.
    private bool IsBelowRoot(FileStream file)
    {
        if (!OperatingSystem.IsLinux())
            return Canonical(file.Name).StartsWith(_root + Path.DirectorySeparatorChar, StringComparison.Ordinal);
        string? opened = new FileInfo($"/proc/self/fd/{file.SafeFileHandle.DangerousGetHandle()}").LinkTarget;
        return opened?.StartsWith(_root + "/", StringComparison.Ordinal) == true;
    }

    // With every link on the way followed.
    private static string Canonical(string path)
    {
        string full = Path.GetPathRoot(path)!;
        foreach (
            string part in path[full.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries)
        )
        {
            string next = Path.Combine(full, part);
            FileSystemInfo? target = Directory.Exists(next)
                ? Directory.ResolveLinkTarget(next, returnFinalTarget: true)
                : File.ResolveLinkTarget(next, returnFinalTarget: true);
            full = target is null ? next : Canonical(target.FullName);
        }
        return full;
    }
}
