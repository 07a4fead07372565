using System.Text;
using System.Text.Json;

namespace Coser.Training.Captions;

/// <summary>
/// <c>captions.jsonl</c> as it is written: a line a photo, each flushed. A kill leaves at most one line cut off, which is
/// dropped when the file is opened again.
/// </summary>
public sealed class CaptionLog : IDisposable
{
    private readonly FileStream _file;
    private readonly HashSet<string> _done = new(StringComparer.Ordinal);

    /// <summary>Opens or makes the file.</summary>
    /// <exception cref="InvalidDataException">It is something else: a whole line holds no captions.</exception>
    /// <exception cref="IOException">It cannot be written, or somebody else is writing it.</exception>
    public CaptionLog(string path)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder)
            Directory.CreateDirectory(folder);
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            long whole = ReadLines(path);
            DroppedCutLine = whole < _file.Length;
            _file.SetLength(whole);
            _file.Position = whole;
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    /// <summary>Photos the file holds.</summary>
    public int Photos => _done.Count;

    /// <summary>True when the last line was cut off and has been dropped.</summary>
    public bool DroppedCutLine { get; }

    /// <summary>Whether the file has a photo already.</summary>
    public bool Contains(string file) => _done.Contains(file);

    /// <summary>Appends a photo's line and hands it to the system.</summary>
    public void Append(PhotoCaptions photo)
    {
        _file.Write(Encoding.UTF8.GetBytes(photo.ToLine() + "\n"));
        _file.Flush();
        _done.Add(photo.File);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    // Returns the length of the whole lines.
    private long ReadLines(string path)
    {
        long whole = 0;
        int number = 0;
        var line = new List<byte>();
        var buffer = new byte[1 << 16];
        for (int read; (read = _file.Read(buffer)) > 0; )
        {
            foreach (byte value in buffer.AsSpan(0, read))
            {
                line.Add(value);
                if (value != '\n')
                    continue;
                number++;
                try
                {
                    _done.Add(PhotoCaptions.Parse(Encoding.UTF8.GetString([.. line])).File);
                }
                catch (JsonException e)
                {
                    throw new InvalidDataException(
                        $"{path}, line {number}: no captions of a photo ({e.Message}). Name another file with -o.",
                        e
                    );
                }
                whole += line.Count;
                line.Clear();
            }
        }
        return whole;
    }
}
