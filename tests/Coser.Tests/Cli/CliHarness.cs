using System.Text.Json;
using Coser.Cli;
using Coser.Cli.Upscaling;
using Spectre.Console.Testing;

namespace Coser.Tests.Cli;

/// <summary>The whole command in process, in a folder of its own, with a fake restorer behind it.</summary>
internal sealed class CliHarness : IDisposable
{
    private readonly CancellationTokenSource _cancel = new();

    public CliHarness()
    {
        Folder = Directory.CreateTempSubdirectory("coser-cli-").FullName;
        Restorer = new FakeRestorer { Cancel = _cancel };
    }

    public string Folder { get; }

    public FakeRestorer Restorer { get; }

    public TestConsole Console { get; } = new TestConsole().Width(200);

    public bool Live { get; init; }

    /// <summary>The library itself instead of the fake.</summary>
    public bool Real { get; init; }

    public string Out { get; private set; } = "";

    public string Error { get; private set; } = "";

    public string[] OutLines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public IReadOnlyList<JsonElement> Events => [.. OutLines.Select(l => JsonDocument.Parse(l).RootElement.Clone())];

    /// <summary>Runs <c>coser</c> with these arguments.</summary>
    public int Run(params string[] args)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        int exit = CommandLine.Run(
            args,
            new CliHost
            {
                Out = output,
                Error = error,
                Console = Console,
                IsLive = Live,
                WorkingFolder = Folder,
                Cancel = _cancel.Token,
                OpenRestorer = request =>
                {
                    if (Real)
                        return PhotoRestorer.Open(request);
                    Restorer.Request = request;
                    Restorer.Restored.Clear();
                    return Restorer;
                },
            }
        );
        (Out, Error) = (output.ToString(), error.ToString());
        return exit;
    }

    /// <summary>Writes an input; its text steers the fake restorer.</summary>
    public string Photo(string name, string content = "pixels")
    {
        string path = Full(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, content + " of " + name);
        return path;
    }

    public string Full(string name) => Path.Combine(Folder, name);

    public bool Exists(string name) => File.Exists(Full(name));

    /// <summary>All files below the folder, relative, sorted.</summary>
    public string[] Files() =>
        [
            .. Directory
                .EnumerateFiles(Folder, "*", SearchOption.AllDirectories)
                .Select(f => Path.GetRelativePath(Folder, f))
                .Order(StringComparer.Ordinal),
        ];

    public void Dispose()
    {
        _cancel.Dispose();
        Console.Dispose();
        Directory.Delete(Folder, recursive: true);
    }
}
