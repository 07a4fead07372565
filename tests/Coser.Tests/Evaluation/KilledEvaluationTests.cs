using System.Diagnostics;
using Coser.Evaluation;
using Coser.Tests.Cli;
using static TorchSharp.torch;

namespace Coser.Tests.Evaluation;

/// <summary>The command itself, killed by the system in the middle of its work.</summary>
[Collection(ProcessWide.Name)] // alone: it waits for another process's lines
public sealed class KilledEvaluationTests : IDisposable
{
    private const int Images = 16;
    private static readonly string[] Methods = ["bicubic", "lanczos"];
    private readonly TemporaryFolder _folder = new();

    public KilledEvaluationTests()
    {
        using var scope = NewDisposeScope();
        Directory.CreateDirectory(_folder.File("lr"));
        Directory.CreateDirectory(_folder.File("hr"));
        for (int i = 0; i < Images; i++)
        {
            PhotoTensor.Write(Path.Combine(_folder.File("lr"), $"i{i:00}.png"), Draw.Uniform(i, 1, 3, 32, 32));
            PhotoTensor.Write(Path.Combine(_folder.File("hr"), $"i{i:00}.png"), Draw.Uniform(100 + i, 1, 3, 128, 128));
        }
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Killed_twice_it_ends_with_the_figures_of_an_unbroken_run_and_measures_nothing_twice()
    {
        using (Process whole = Start("whole"))
            CommandProcess.End(whole);
        foreach (int rows in new[] { 3, 12 })
        {
            using Process broken = Start("broken");
            var clock = Stopwatch.StartNew();
            while (Lines("broken").Length < 1 + rows)
            {
                Assert.False(broken.HasExited, "it ended before it could be killed");
                Assert.True(clock.Elapsed < TimeSpan.FromSeconds(60), "it does not begin");
                Thread.Sleep(1);
            }
            broken.Kill(); // SIGKILL
            broken.WaitForExit();
            Assert.InRange(Lines("broken").Length, 1 + rows, Images * Methods.Length);
            Assert.False(File.Exists(Path.Combine(_folder.File("broken"), "table.md")));
        }
        using (Process last = Start("broken"))
            CommandProcess.End(last);
        Assert.Equal(1 + Images * Methods.Length, Lines("broken").Length);
        Assert.Equal(Figures("whole"), Figures("broken"));
        foreach (string method in Methods)
        {
            string[] made = Directory.GetFiles(Path.Combine(_folder.File("broken"), "images", method));
            Assert.Equal(Images, made.Length);
            foreach (string file in made)
                Assert.Equal(
                    File.ReadAllBytes(Path.Combine(_folder.File("whole"), "images", method, Path.GetFileName(file))),
                    File.ReadAllBytes(file)
                );
        }
    }

    private Process Start(string run)
    {
        return CommandProcess.Start([
            .. new[] { "eval", "--lr", _folder.File("lr"), "--hr", _folder.File("hr"), "--device", "cpu" },
            .. new[] { "--text", "none", "-o", _folder.File(run) },
            .. Methods.SelectMany(m => new[] { "--method", m }),
        ]);
    }

    // Whole lines only; the file is being written to.
    private string[] Lines(string run)
    {
        string path = Path.Combine(_folder.File(run), "results.jsonl");
        if (!File.Exists(path))
            return [];
        using var file = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        string text = file.ReadToEnd();
        return text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    // Without seconds and megabytes.
    private string[] Figures(string run) =>
        [
            .. File.ReadAllLines(Path.Combine(_folder.File(run), "images.csv"))
                .Select(l => string.Join(',', l.Split(',')[..^2])),
        ];
}
