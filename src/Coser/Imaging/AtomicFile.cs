using System.Security.Cryptography;
using NetVips;

namespace Coser.Imaging;

/// <summary>Lets a file appear under its name only when it is complete.</summary>
internal static class AtomicFile
{
    private const int MaxNameLength = 200;

    /// <summary>Lets <paramref name="write"/> fill a hidden file beside the target, flushes it to the disk and renames it.</summary>
    /// <param name="path">The name the user gave, for messages.</param>
    /// <param name="target">What <see cref="Target"/> made of it.</param>
    /// <exception cref="PhotoException">It cannot be written; what was there before is there still.</exception>
    public static void Write(string path, string target, PhotoFormat format, bool overwrite, Action<string> write)
    {
        string partial = PartialName(target, format);
        try
        {
            write(partial);
            using (var written = new FileStream(partial, FileMode.Open, FileAccess.ReadWrite))
                written.Flush(flushToDisk: true);
            File.Move(partial, target, overwrite);
        }
        catch (Exception e) when (e is VipsException or IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, target, e);
        }
        finally
        {
            TryDelete(partial);
        }
    }

    // A link is written through, not replaced by a file.
    /// <summary>The file that writing to <paramref name="path"/> would make or replace.</summary>
    /// <exception cref="PhotoException">It cannot or must not be written.</exception>
    public static string Target(string path, bool overwrite)
    {
        try
        {
            string target = Path.GetFullPath(path);
            if (Directory.Exists(target))
                throw new PhotoException(path, "it is a folder", "Name a file in it.");
            if (!overwrite && File.Exists(target))
                throw new PhotoException(
                    path,
                    "it exists already",
                    "Choose another name, or allow it with --overwrite."
                );
            if (!Directory.Exists(Path.GetDirectoryName(target)))
                throw new PhotoException(path, "its folder does not exist", "Make the folder first.");
            return File.ResolveLinkTarget(target, returnFinalTarget: true)?.FullName ?? target;
        }
        catch (FileNotFoundException)
        {
            return Path.GetFullPath(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Unwritable(path, path, e);
        }
    }

    private static string PartialName(string target, PhotoFormat format)
    {
        string name = Path.GetFileNameWithoutExtension(target);
        // File systems end at 255 bytes, and a character can take four.
        while (System.Text.Encoding.UTF8.GetByteCount(name) > MaxNameLength)
            name = name[..^1];
        string random = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        return Path.Combine(
            Path.GetDirectoryName(target)!,
            $".{name}.{Environment.ProcessId}.{random}.partial{format.Extension()}"
        );
    }

    private static PhotoException Unwritable(string path, string target, Exception e)
    {
        string message = e is VipsException vips ? VipsEngine.Complaint(vips) : e.Message;
        string folder = Path.GetDirectoryName(target) ?? target;
        if (VipsEngine.IsDiskFull(e.Message))
        {
            return new PhotoException(
                path,
                "the disk is full",
                $"Free some space in {folder} or in the temporary folder {Path.GetTempPath()}.",
                e
            );
        }
        return new PhotoException(
            path,
            $"it cannot be written ({message})",
            $"Check that the folder {folder} may be written to, or choose another with -o.",
            e
        );
    }

    private static void TryDelete(string file)
    {
        try
        {
            File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The reason it could not be written is the one worth telling.
        }
    }
}
