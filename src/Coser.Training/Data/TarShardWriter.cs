using System.Formats.Tar;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Coser.Training.Data;

/// <summary>Writes a data set as tar shards in the WebDataset convention.</summary>
public static class TarShardWriter
{
    private const string Partial = ".partial";

    // Tar rounds up to records of 512 bytes; a header is one.
    private const int Record = 512;

    /// <summary>
    /// Writes <c>shard-000000.tar</c>, ... : each photo as it is, with <c>key.json</c> (file, label, source, split) and
    /// <c>key.cls</c> (label). Equal data sets give equal bytes. The folder appears when it is whole.
    /// </summary>
    /// <param name="folder">Must not exist, or be empty.</param>
    /// <param name="shardBytes">A shard is closed before it would grow beyond this; one photo always fits. At least 1.</param>
    /// <param name="progress">Called with photos done.</param>
    /// <returns>Shards written.</returns>
    /// <exception cref="InvalidDataException">The folder holds something.</exception>
    /// <exception cref="Imaging.PhotoException">A photo cannot be read.</exception>
    public static int Write(
        PhotoIndex data,
        string folder,
        long shardBytes,
        Action<int>? progress,
        CancellationToken cancel
    )
    {
        folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new InvalidDataException($"{folder}: it holds something. Name a new folder with -o.");
        string partial = Path.Combine(Path.GetDirectoryName(folder)!, "." + Path.GetFileName(folder) + Partial);
        if (Directory.Exists(partial))
            Directory.Delete(partial, recursive: true);
        Directory.CreateDirectory(partial);
        try
        {
            int shards = WriteShards(data, partial, shardBytes, progress, cancel);
            if (Directory.Exists(folder))
                Directory.Delete(folder);
            Directory.Move(partial, folder);
            return shards;
        }
        catch
        {
            Directory.Delete(partial, recursive: true);
            throw;
        }
    }

    /// <summary>Bytes of a folder's shards.</summary>
    public static long Bytes(string folder) => TarShards.Find(folder).Sum(f => new FileInfo(f).Length);

    private static int WriteShards(
        PhotoIndex data,
        string folder,
        long shardBytes,
        Action<int>? progress,
        CancellationToken cancel
    )
    {
        int shards = 0;
        long bytes = 0;
        TarWriter? shard = null;
        var keys = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            foreach ((int i, PhotoEntry entry) in data.Entries.Index())
            {
                cancel.ThrowIfCancellationRequested();
                byte[] photo = data.Read(entry);
                byte[] facts = Encoding.UTF8.GetBytes(PhotoIndex.ToLine(entry));
                byte[] label = Encoding.UTF8.GetBytes(entry.Label);
                long size = new[] { photo, facts, label }.Sum(b => Record + (b.Length + Record - 1L) / Record * Record);
                if (shard is null || bytes + size > shardBytes)
                {
                    shard?.Dispose();
                    string name = string.Create(CultureInfo.InvariantCulture, $"shard-{shards++:d6}.tar");
                    shard = new TarWriter(File.Create(Path.Combine(folder, name)), TarEntryFormat.Gnu);
                    bytes = 0;
                }
                string key = Key(entry.File, keys);
                Add(shard, key + Path.GetExtension(entry.File).ToLowerInvariant(), photo);
                Add(shard, key + ".json", facts);
                if (label.Length > 0)
                    Add(shard, key + ".cls", label);
                bytes += size;
                progress?.Invoke(i + 1);
            }
        }
        finally
        {
            shard?.Dispose();
        }
        return shards;
    }

    // A key has no dot; two files may differ in what is taken away.
    private static string Key(string file, HashSet<string> keys)
    {
        string plain = Path.ChangeExtension(file, null).Replace('\\', '/').Replace('.', '_');
        string key = plain;
        for (int i = 2; !keys.Add(key); i++)
            key = string.Create(CultureInfo.InvariantCulture, $"{plain}-{i}");
        return key;
    }

    private static void Add(TarWriter shard, string name, byte[] bytes)
    {
        using var data = new MemoryStream(bytes, writable: false);
        shard.WriteEntry(
            new GnuTarEntry(TarEntryType.RegularFile, name)
            {
                DataStream = data,
                ModificationTime = DateTimeOffset.UnixEpoch,
                AccessTime = DateTimeOffset.UnixEpoch,
                ChangeTime = DateTimeOffset.UnixEpoch,
                Mode = (UnixFileMode)0b110_100_100,
            }
        );
    }
}
