using System.Diagnostics;

namespace Coser.Tests.Engine;

/// <summary>The program as it leaves the build: copied elsewhere, and published.</summary>
public sealed class FreshOutputTests
{
    private static string Configuration =>
        Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));

    [Fact]
    public void A_copied_output_folder_finds_the_staged_engine()
    {
        using var folder = new TemporaryFolder();
        Copy(Path.Combine(Repository.Root, "artifacts", "bin", "Coser.Cli", Configuration), folder.Path);
        string doctor = Run(folder.Path, out int exit);
        Assert.Contains(Path.Combine("artifacts", "engine"), doctor);
        Assert.True(exit is 0 or 1, doctor); // 1: a check other than the engine's may fail
    }

    [Fact]
    public void A_published_program_brings_engine_and_models()
    {
        using var folder = new TemporaryFolder();
        string project = Path.Combine(Repository.Root, "src", "Coser.Cli", "Coser.Cli.csproj");
        Start(
            "dotnet",
            ["publish", project, "-c", Configuration, "--no-build", "-nologo", "-v", "q", "-o", folder.Path],
            out int published,
            out string log
        );
        Assert.True(published == 0, log);
        string command = folder.File(OperatingSystem.IsWindows() ? "coser.exe" : "coser");
        Assert.True(File.Exists(command));
        string doctor = Run(folder.Path, out _);
        Assert.Contains(Path.Combine(folder.Path, "engine"), doctor);
        foreach (string model in Directory.EnumerateDirectories(Path.Combine(Repository.Root, "models")))
            Assert.True(File.Exists(Path.Combine(folder.Path, "models", Path.GetFileName(model), "model.json")));
    }

    private static string Run(string folder, out int exitCode)
    {
        Start("dotnet", [Path.Combine(folder, "Coser.Cli.dll"), "doctor", "--json"], out exitCode, out string output);
        return output;
    }

    private static void Start(string program, string[] args, out int exitCode, out string output)
    {
        var start = new ProcessStartInfo(program, args)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        output = process.StandardOutput.ReadToEnd();
        output += errors.GetAwaiter().GetResult();
        process.WaitForExit();
        exitCode = process.ExitCode;
    }

    private static void Copy(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
    }
}
