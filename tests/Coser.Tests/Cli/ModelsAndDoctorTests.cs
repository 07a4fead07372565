using System.Text.Json;
using Coser.Checkpoints;
using Coser.Cli;
using Coser.Cli.Commands;
using Coser.Cli.Diagnostics;
using Spectre.Console.Testing;
using TorchSharp;

namespace Coser.Tests.Cli;

/// <summary><c>coser models</c> and <c>coser doctor</c></summary>
public sealed class ModelsAndDoctorTests : IDisposable
{
    private readonly CliHarness _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public void Info_shows_the_tensors_of_a_file()
    {
        WriteCheckpoint("net.safetensors");
        Assert.Equal(ExitCode.Success, _cli.Run("models", "info", "net.safetensors"));
        Assert.Contains("2 tensors, 15 values", _cli.Out, StringComparison.Ordinal);
        Assert.Contains("step: 7", _cli.Out, StringComparison.Ordinal);
        Assert.Matches(@"(?i)conv\.weight +bf16 +\[3, 4\]", _cli.Out);
    }

    [Fact]
    public void Info_as_json_holds_the_same()
    {
        WriteCheckpoint("net.safetensors");
        Assert.Equal(ExitCode.Success, _cli.Run("models", "info", "net.safetensors", "--json"));
        JsonElement file = JsonDocument.Parse(_cli.Out).RootElement;
        Assert.Equal(15, file.GetProperty("parameters").GetInt64());
        Assert.Equal("7", file.GetProperty("metadata").GetProperty("step").GetString());
        JsonElement weight = file.GetProperty("tensors")
            .EnumerateArray()
            .Single(t => t.GetProperty("name").GetString() == "conv.weight");
        Assert.Equal([3L, 4L], weight.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64()));
    }

    [Theory]
    [InlineData("none.safetensors")]
    [InlineData("damaged.safetensors")]
    [InlineData("no-such-model")]
    public void A_bad_one_is_one_line_and_exit_code_1(string name)
    {
        _cli.Photo("damaged.safetensors", "this is no checkpoint");
        Assert.Equal(ExitCode.Failed, _cli.Run("models", "info", name));
        Assert.Empty(_cli.Out);
        string line = Assert.Single(_cli.Error.TrimEnd().Split('\n'));
        Assert.StartsWith("coser: ", line, StringComparison.Ordinal);
        Assert.Contains(name, line, StringComparison.Ordinal);
    }

    [Fact]
    public void Engine_images_and_precision_pass_on_this_machine()
    {
        Finding[] findings = [.. Doctor.AllChecks.Where((_, i) => i is 0 or 1 or 2 or 5 or 7).Select(c => c())];
        Assert.Equal(["coser", "engine", "images", "memory", "precision"], findings.Select(f => f.Name));
        Assert.All(findings, f => Assert.NotEqual(FindingState.Fail, f.State));
        Assert.Contains("libtorch 2.", findings[1].Detail, StringComparison.Ordinal);
        Assert.Contains("JPEG, PNG, WebP, TIFF, AVIF work", findings[2].Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(FindingState.Ok, ExitCode.Success)]
    [InlineData(FindingState.Warn, ExitCode.Success)]
    [InlineData(FindingState.Fail, ExitCode.Failed)]
    internal void Only_something_broken_fails_the_doctor(FindingState state, int exit)
    {
        foreach (bool json in new[] { false, true })
        {
            using var console = new TestConsole();
            using var output = new StringWriter();
            var host = new CliHost
            {
                Out = output,
                Error = TextWriter.Null,
                Console = console,
            };
            Finding[] findings = [new("one", FindingState.Ok, "fine"), new("two", state, "so so", "Buy another.")];
            Assert.Equal(exit, DoctorCommand.Run(host, [.. findings.Select(f => (Func<Finding>)(() => f))], json));
            Assert.Contains("Buy another.", output.ToString(), StringComparison.Ordinal);
            if (json)
                Assert.Equal(
                    exit == 0,
                    JsonDocument.Parse(output.ToString()).RootElement.GetProperty("ok").GetBoolean()
                );
        }
    }

    private void WriteCheckpoint(string name)
    {
        using torch.Tensor weight = torch.zeros([3, 4], torch.bfloat16);
        using torch.Tensor bias = torch.zeros(3);
        SafetensorsWriter.Write(
            _cli.Full(name),
            [KeyValuePair.Create("conv.weight", weight), KeyValuePair.Create("conv.bias", bias)],
            new Dictionary<string, string>(StringComparer.Ordinal) { ["step"] = "7" }
        );
    }
}
