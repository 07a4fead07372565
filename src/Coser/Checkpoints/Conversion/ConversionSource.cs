using System.Security.Cryptography;
using Coser.Checkpoints.Renaming;

namespace Coser.Checkpoints.Conversion;

/// <summary>One of the user's files, opened, its layout known and all its tensors understood.</summary>
internal sealed class ConversionSource : IDisposable
{
    private ConversionSource(string option, ICheckpoint file, RenamedCheckpoint content) =>
        (Option, File, Content) = (option, file, content);

    /// <summary>The option it came by, e.g. <c>--sd</c>.</summary>
    public string Option { get; }

    public ICheckpoint File { get; }

    public RenamedCheckpoint Content { get; }

    /// <param name="layouts">Those the option takes.</param>
    /// <exception cref="CheckpointException">The file cannot be read or is none of them, or it holds what they do not.</exception>
    public static ConversionSource Open(string option, string path, params IReadOnlyList<RenamingTable> layouts)
    {
        if (!System.IO.File.Exists(path))
            throw new CheckpointException(path, $"there is no such file. Check the path given with {option}.");
        ICheckpoint file = CheckpointFile.Open(path);
        try
        {
            RenamingTable table = RenamingTables.For(file);
            if (!layouts.Contains(table))
            {
                throw new CheckpointException(
                    path,
                    $"{option} takes {string.Join(" or ", layouts.Select(l => l.Layout))}, but this is {table.Layout}"
                );
            }
            RenamedCheckpoint content = table.Apply(file);
            content.RequireKnown(path);
            return new ConversionSource(option, file, content);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>SHA-256 of the file, hex.</summary>
    public string Hash(CancellationToken cancel)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using FileStream stream = System.IO.File.OpenRead(File.Path);
        byte[] buffer = new byte[1 << 20];
        for (int read; (read = stream.Read(buffer)) > 0; )
        {
            cancel.ThrowIfCancellationRequested();
            hash.AppendData(buffer, 0, read);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public void Dispose() => File.Dispose();
}
