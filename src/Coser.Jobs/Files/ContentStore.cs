using System.Security.Cryptography;
using Coser.Jobs.Model;

namespace Coser.Jobs.Files;

/// <summary>A file in the store.</summary>
public sealed record StoredFile(string Hash, long Bytes);

/// <summary>A file is longer than is allowed.</summary>
/// <param name="limit">In bytes.</param>
public sealed class FileTooLongException(long limit) : IOException($"the file is longer than {limit} bytes");

/// <summary>
/// The files of jobs in a folder, each under its own SHA-256: the same content lies there once, and what lies there is whole.
/// No name from outside ever becomes a path.
/// </summary>
public sealed class ContentStore
{
    private const string IdFile = "store.id";
    private const int HashLength = 64;
    private const int IdLength = 32;

    private ContentStore(string folder, string id) => (Folder, Id) = (folder, id);

    /// <summary>The folder, full path.</summary>
    public string Folder { get; }

    /// <summary>Which store this is, however its folder is called on this machine.</summary>
    public string Id { get; }

    internal string Objects => Path.Combine(Folder, "objects");

    internal string Incoming => Path.Combine(Folder, "incoming");

    internal string Work => Path.Combine(Folder, "work");

    internal string States => Path.Combine(Folder, "states");

    internal string Views => Path.Combine(Folder, "views");

    internal string Previews => Path.Combine(Folder, "previews");

    /// <summary>Where the store is when no other is named: beside the database of this user.</summary>
    public static string DefaultFolder =>
        Path.Combine(Path.GetDirectoryName(Storage.DatabaseAddress.DefaultFile)!, "store");

    /// <summary>Opens a store, or makes it.</summary>
    /// <exception cref="JobsException">The folder cannot be made or written to.</exception>
    public static ContentStore Open(string folder)
    {
        string full = Path.GetFullPath(folder);
        try
        {
            var store = new ContentStore(full, "");
            foreach (
                string part in new[]
                {
                    store.Objects,
                    store.Incoming,
                    store.Work,
                    store.States,
                    store.Previews,
                    store.Views,
                }
            )
                Directory.CreateDirectory(part);
            string idFile = Path.Combine(full, IdFile);
            if (!File.Exists(idFile))
            {
                string partial = store.NewIncoming();
                File.WriteAllText(partial, JobLedger.NewId());
                try
                {
                    File.Move(partial, idFile, overwrite: false);
                }
                catch (IOException) when (File.Exists(idFile)) // another process was quicker
                {
                    File.Delete(partial);
                }
            }
            return new ContentStore(full, File.ReadAllText(idFile).Trim());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new JobsException(
                full,
                $"the folder store cannot be used ({e.Message})",
                "Check that the folder may be written to, or name another with --store.",
                e
            );
        }
    }

    /// <summary>Whether a text is a hash as the store writes them.</summary>
    public static bool IsHash(string text) => text.Length == HashLength && text.All(char.IsAsciiHexDigitLower);

    /// <summary>Where a file is, or would be.</summary>
    /// <exception cref="ArgumentException">It is no hash.</exception>
    public string PathOf(string hash) =>
        IsHash(hash)
            ? Path.Combine(Objects, hash[..2], hash)
            : throw new ArgumentException("this is no SHA-256", nameof(hash));

    /// <summary>Whether files can be taken in now.</summary>
    public bool IsWritable()
    {
        string probe = NewIncoming();
        try
        {
            File.WriteAllBytes(probe, [0]);
            File.Delete(probe);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Whether the store has it.</summary>
    public bool Contains(string hash) => File.Exists(PathOf(hash));

    /// <summary>Opens a file for reading.</summary>
    /// <exception cref="FileNotFoundException">The store does not have it.</exception>
    public FileStream OpenRead(string hash) =>
        new(
            PathOf(hash),
            FileMode.Open,
            FileAccess.Read,
            FileShare.Read | FileShare.Delete,
            1 << 16,
            FileOptions.Asynchronous
        );

    /// <summary>Where the newest preview of a job is, once there is one. It is replaced whole.</summary>
    public string PreviewPath(string job) => Path.Combine(Previews, Checked(job) + ".jpg");

    /// <summary>Where a small picture of a file is kept, which can be made anew: by its hash and this ending.</summary>
    public string ViewPath(string hash, string ending) =>
        IsHash(hash) && Path.GetFileName(ending) == ending
            ? Path.Combine(Views, $"{hash}.{ending}")
            : throw new ArgumentException("this is no SHA-256 and ending", nameof(hash));

    /// <summary>Where a job's unfinished restoration is kept.</summary>
    public string StateFolder(string job) => Path.Combine(States, Checked(job));

    /// <summary>Takes in a stream.</summary>
    /// <param name="maxBytes">Longer ones are refused as soon as they are; null: no limit.</param>
    /// <param name="inspect">
    /// Looks at the file, whose path it gets, before the store takes it in: what it throws keeps the file out.
    /// </param>
    /// <exception cref="FileTooLongException">It is longer.</exception>
    /// <exception cref="IOException">The disk is full, or the folder cannot be written.</exception>
    public async Task<StoredFile> PutAsync(
        Stream content,
        long? maxBytes = null,
        Action<string>? inspect = null,
        CancellationToken cancel = default
    )
    {
        string partial = NewIncoming();
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            long bytes = 0;
            var file = new FileStream(partial, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1);
            await using (file)
            {
                byte[] buffer = new byte[1 << 17];
                int read;
                while ((read = await content.ReadAsync(buffer, cancel)) > 0)
                {
                    bytes += read;
                    if (bytes > maxBytes)
                        throw new FileTooLongException(maxBytes.Value);
                    hash.AppendData(buffer, 0, read);
                    await file.WriteAsync(buffer.AsMemory(0, read), cancel);
                }
                file.Flush(flushToDisk: true);
            }
            inspect?.Invoke(partial);
            string name = Convert.ToHexStringLower(hash.GetHashAndReset());
            Settle(partial, name, bytes);
            return new StoredFile(name, bytes);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    /// <summary>Takes in a file, which stays where it is.</summary>
    public async Task<StoredFile> PutFileAsync(string path, CancellationToken cancel = default)
    {
        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1, FileOptions.SequentialScan);
        await using (file)
            return await PutAsync(file, cancel: cancel);
    }

    /// <summary>Writes a file of the store to a place outside it, whole or not at all.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public void Export(string hash, string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        Directory.CreateDirectory(folder);
        string partial = Path.Combine(folder, $".coser-{JobLedger.NewId()}.partial");
        try
        {
            File.Copy(PathOf(hash), partial);
            using (var written = new FileStream(partial, FileMode.Open, FileAccess.ReadWrite))
                written.Flush(flushToDisk: true);
            File.Move(partial, path, overwrite: true);
        }
        finally
        {
            File.Delete(partial);
        }
    }

    /// <summary>An empty folder for one attempt at a job.</summary>
    internal string NewWorkFolder() => Directory.CreateDirectory(Path.Combine(Work, JobLedger.NewId())).FullName;

    internal string NewIncoming() => Path.Combine(Incoming, JobLedger.NewId());

    private void Settle(string partial, string hash, long bytes)
    {
        string target = PathOf(hash);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        if (new FileInfo(target) is { Exists: true } there && there.Length == bytes)
        {
            // Young again: whoever puts it is about to need it, and the collector takes old files only.
            File.SetLastWriteTimeUtc(target, DateTime.UtcNow);
            return;
        }
        File.Move(partial, target, overwrite: true);
    }

    private static string Checked(string job) =>
        job.Length == IdLength && job.All(char.IsAsciiHexDigitLower)
            ? job
            : throw new ArgumentException("this is no name of a job", nameof(job));
}
