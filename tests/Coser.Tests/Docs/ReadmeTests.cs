using System.Text.RegularExpressions;
using Coser.Checkpoints;
using Coser.Imaging;
using Coser.Restoration;

namespace Coser.Tests.Docs;

/// <summary>What the README says about the library is this code, word for word.</summary>
public sealed partial class ReadmeTests
{
    [Fact]
    public void The_example_compiles_runs_and_is_the_one_in_the_readme()
    {
        using var folder = new TemporaryFolder();
        string input = folder.File("small.png");
        string output = folder.File("large.png");
        using (var image = NetVips.Image.Gaussnoise(16, 12, mean: 128, sigma: 30, seed: 1))
            image.Cast(NetVips.Enums.BandFormat.Uchar).Pngsave(input);
        Example(input, output);
        using (Photo large = Photo.Open(output))
            Assert.Equal((64, 48), (large.Width, large.Height));

        string readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        string source = File.ReadAllText(
            Path.Combine(Repository.Root, "tests", "Coser.Tests", "Docs", "ReadmeTests.cs")
        );
        string[] code = Lines(Between(source, "// README begins", "// README ends"));
        string[] shown = Lines(Between(readme, "```csharp", "```"));
        Assert.NotEmpty(code);
        Assert.Equal(code, shown);
    }

    [Fact]
    public void Every_file_the_documents_link_to_exists()
    {
        foreach (
            string name in new[]
            {
                "README.md",
                "CONTRIBUTING.md",
                "docs/architecture.md",
                "docs/command.md",
                "docs/jobs.md",
                "docs/server.md",
                "docs/training.md",
            }
        )
        {
            string path = Path.Combine(Repository.Root, name);
            foreach (Match link in RelativeLink().Matches(File.ReadAllText(path)))
            {
                string target = Path.Combine(Path.GetDirectoryName(path)!, link.Groups["target"].Value);
                Assert.True(Path.Exists(target), $"{name} links to {link.Groups["target"].Value}");
            }
        }
    }

    private static void Example(string inputPath, string outputPath)
    {
        // README begins
        using ModelDirectory model = ModelDirectory.Open(ModelDirectory.Find("coser-mini"));
        using var resolver = new SuperResolver(model);
        using Photo photo = Photo.Open(inputPath);
        using RestoredPhoto restored = resolver.Restore(photo, new RestoreOptions { Scale = 4 });
        restored.Photo.Save(outputPath);
        // README ends
    }

    private static string Between(string text, string start, string end)
    {
        int from = text.LastIndexOf(start + "\n", StringComparison.Ordinal) + start.Length;
        return text[from..text.IndexOf(end, from, StringComparison.Ordinal)];
    }

    private static string[] Lines(string text) =>
        text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    [GeneratedRegex(@"\]\((?<target>[^)#:]+)\)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RelativeLink();
}
