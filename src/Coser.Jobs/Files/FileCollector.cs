using Coser.Jobs.Model;

namespace Coser.Jobs.Files;

/// <summary>What a collection took away.</summary>
public sealed record Collected(long Files, long Bytes);

/// <summary>
/// Takes away what no job needs: files of the store, saved states and previews of ended jobs, leftovers of crashes. Young
/// files are left alone, since a file is in the store before its job is in the tables.
/// </summary>
/// <param name="grace">Age below which nothing is touched; null: a day.</param>
public sealed class FileCollector(JobLedger queue, ContentStore store, TimeSpan? grace = null)
{
    private const int HashesAQuestion = 200;

    // Made again in a moment where it is still looked at.
    private static readonly TimeSpan Stale = TimeSpan.FromDays(30);
    private readonly TimeSpan _grace = grace ?? TimeSpan.FromDays(1);

    /// <summary>Runs once, in bounded memory, beside working workers.</summary>
    public async Task<Collected> CollectAsync(CancellationToken cancel = default)
    {
        long files = 0;
        long bytes = 0;
        IEnumerable<FileInfo> old = new DirectoryInfo(store.Objects)
            .EnumerateFiles("*", SearchOption.AllDirectories)
            .Where(f => ContentStore.IsHash(f.Name) && IsOld(f));
        foreach (FileInfo[] chunk in old.Chunk(HashesAQuestion))
        {
            cancel.ThrowIfCancellationRequested();
            HashSet<string> used = await queue.UsedAsync([.. chunk.Select(f => f.Name)], cancel);
            foreach (FileInfo file in chunk.Where(f => !used.Contains(f.Name)))
            {
                file.Refresh();
                if (!file.Exists || !IsOld(file)) // put again in the meantime
                    continue;
                (files, bytes) = (files + 1, bytes + file.Length);
                file.Delete();
            }
        }
        foreach (FileSystemInfo entry in Leftovers(store.Incoming).Concat(Leftovers(store.Work)))
            Remove(entry);
        foreach (FileSystemInfo entry in Leftovers(store.States).Concat(Leftovers(store.Previews)))
        {
            Job? job = await queue.FindAsync(Path.GetFileNameWithoutExtension(entry.Name), cancel);
            if (job is null || job.State.IsFinal())
                Remove(entry);
        }
        foreach (FileSystemInfo view in Leftovers(store.Views))
        {
            string hash = view.Name.Split('.')[0];
            if (!ContentStore.IsHash(hash) || !store.Contains(hash) || DateTime.UtcNow - view.LastWriteTimeUtc > Stale)
                Remove(view);
        }
        return new Collected(files, bytes);
    }

    private IEnumerable<FileSystemInfo> Leftovers(string folder) =>
        new DirectoryInfo(folder).EnumerateFileSystemInfos().Where(IsOld);

    private bool IsOld(FileSystemInfo entry) => DateTime.UtcNow - entry.LastWriteTimeUtc > _grace;

    private static void Remove(FileSystemInfo entry)
    {
        if (entry is DirectoryInfo folder)
            folder.Delete(recursive: true);
        else
            entry.Delete();
    }
}
