using System.Globalization;

namespace Coser.Training.Runs;

/// <summary>
/// A run's folder belongs to one process at a time: <c>run.lock</c> is held open, exclusively, while it trains. The system
/// lets go of it however the process ends.
/// </summary>
public sealed class RunLock : IDisposable
{
    private const string FileName = "run.lock";
    private const int Attempts = 5;
    private readonly FileStream _file;

    private RunLock(FileStream file) => _file = file;

    /// <summary>Takes the folder, which is made when it is not there.</summary>
    /// <exception cref="InvalidDataException">Another process trains in it.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written.</exception>
    public static RunLock Take(string runFolder)
    {
        string path = Path.Combine(Directory.CreateDirectory(runFolder).FullName, FileName);
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                file.SetLength(0);
                file.Write(
                    System.Text.Encoding.UTF8.GetBytes(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"{Environment.MachineName} {Environment.ProcessId}\n"
                        )
                    )
                );
                file.Flush();
                return new RunLock(file);
            }
            // 'coser train status' looks into the file for a moment.
            catch (IOException) when (attempt < Attempts)
            {
                Thread.Sleep(100);
            }
            catch (IOException e)
            {
                throw new InvalidDataException(
                    $"{runFolder}: another process is training in it. Stop that one, or name another folder with --run.",
                    e
                );
            }
        }
    }

    /// <summary>Whether a process of this machine trains in the folder now.</summary>
    public static bool IsHeld(string runFolder)
    {
        string path = Path.Combine(runFolder, FileName);
        if (!File.Exists(path))
            return false;
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            return false;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Lets go. The file stays: deleting it could delete the next process's.</summary>
    public void Dispose() => _file.Dispose();
}
