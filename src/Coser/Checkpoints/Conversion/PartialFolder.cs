namespace Coser.Checkpoints.Conversion;

/// <summary>
/// A model's folder that appears under its name only when complete. What is unfinished lies hidden beside it, locked; what
/// a killed process left there goes with the next attempt.
/// </summary>
internal sealed class PartialFolder : IDisposable
{
    private const string LockName = ".lock";
    private readonly string _target;
    private readonly FileStream _lock;
    private bool _isComplete;

    /// <param name="target">Full path of the folder to be.</param>
    /// <exception cref="CheckpointException">There is something already, or the place cannot be written to.</exception>
    public PartialFolder(string target, bool overwrite)
    {
        _target = Path.TrimEndingDirectorySeparator(target);
        RequireFree(_target, overwrite);
        Folder = Beside("partial");
        try
        {
            Directory.CreateDirectory(Folder);
            _lock = new FileStream(
                File(LockName),
                FileMode.OpenOrCreate,
                FileAccess.ReadWrite,
                FileShare.None,
                1,
                FileOptions.DeleteOnClose
            );
            foreach (string left in Directory.EnumerateFiles(Folder).Where(f => Path.GetFileName(f) != LockName))
                System.IO.File.Delete(left);
            foreach (string left in Directory.EnumerateDirectories(Folder))
                Remove(left);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CheckpointException(
                _target,
                $"its place cannot be written to ({e.Message}). End other conversions to it, or name another folder.",
                e
            );
        }
    }

    /// <summary>Full path of where the model is put together.</summary>
    public string Folder { get; }

    /// <summary>Full path of a file in it.</summary>
    public string File(string name) => Path.Combine(Folder, name);

    /// <summary>Free bytes there.</summary>
    public long FreeBytes => new DriveInfo(Folder).AvailableFreeSpace;

    /// <summary>Gives the folder its name; a model that was there is gone afterwards.</summary>
    public void Complete()
    {
        _isComplete = true;
        _lock.Dispose();
        string old = Beside("old");
        Remove(old);
        if (Directory.Exists(_target))
            Directory.Move(_target, old);
        Directory.Move(Folder, _target);
        Remove(old);
    }

    public void Dispose()
    {
        if (_isComplete)
            return;
        _lock.Dispose();
        Remove(Folder);
    }

    private string Beside(string what) =>
        Path.Combine(Path.GetDirectoryName(_target)!, $".{Path.GetFileName(_target)}.{what}");

    private static void RequireFree(string target, bool overwrite)
    {
        if (Path.GetDirectoryName(target) is null || System.IO.File.Exists(target))
            throw new CheckpointException(target, "no folder can be made there. Name a new one.");
        if (!Directory.Exists(target) || !Directory.EnumerateFileSystemEntries(target).Any())
            return;
        if (!System.IO.File.Exists(Path.Combine(target, ModelDirectory.ManifestName)))
            throw new CheckpointException(
                target,
                "it is not empty and holds no model, so it is not replaced. Name a new one."
            );
        if (!overwrite)
            throw new CheckpointException(target, "it exists already. Name a new one, or replace it with --overwrite.");
    }

    private static void Remove(string folder)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
