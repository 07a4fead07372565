using System.Text.Json;
using Coser.Checkpoints;
using Coser.Cli;
using Coser.Tests.Checkpoints;
using static TorchSharp.torch;

namespace Coser.Tests.Cli;

/// <summary><c>coser models convert</c>, <c>verify</c> and <c>info</c> on a tiny model.</summary>
public sealed class ModelConversionTests : IDisposable
{
    private readonly CliHarness _cli = new();
    private readonly TinyModel _tiny = new();

    public void Dispose()
    {
        _tiny.Dispose();
        _cli.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_converted_model_is_listed_verified_and_shown(bool live)
    {
        using var cli = new CliHarness { Live = live };
        TinyModel.Write(cli.Full("coser.safetensors"), _tiny.Coser());
        TinyModel.Write(cli.Full("cfw.safetensors"), _tiny.Cfw.state_dict());
        string[] convert = ["models", "convert", "--coser", "coser.safetensors", "--cfw", "cfw.safetensors", "-o", "m"];
        Assert.Equal(ExitCode.Success, cli.Run([.. convert, "--dtype", "bf16", "--name", "mine"]));
        Assert.StartsWith($"{cli.Full("m")}: presr, clip, adapter,", cli.Out, StringComparison.Ordinal);
        Assert.Contains("--tokenizer", cli.Error, StringComparison.Ordinal);
        if (!live)
            Assert.Contains("unet: ", cli.Error, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Failed, cli.Run(convert));
        Assert.Contains("--overwrite", Assert.Single(cli.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, cli.Run("models", "verify", "m", "--values"));
        Assert.Contains("mine: presr,", cli.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, cli.Run("models", "info", "m"));
        Assert.Contains("unet: unet_aia", cli.Out, StringComparison.Ordinal);
        Assert.Contains("Open RAIL++-M", cli.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Verify_names_every_misfit_and_fails()
    {
        string model = Convert();
        Replace(
            Path.Combine(model, "unet.safetensors"),
            t =>
            {
                t.Remove("out.2.bias");
                t["extra.weight"] = zeros(1);
                t["out.0.bias"] = zeros(3);
            }
        );
        Replace(Path.Combine(model, "presr.safetensors"), t => t["conv_hr.bias"] = full([8], float.NaN));
        string manifest = Path.Combine(model, "model.json");
        File.WriteAllText(
            manifest,
            File.ReadAllText(manifest).Replace("\"hidden_size\": 64", "\"hidden_size\": 32", StringComparison.Ordinal)
        );
        Assert.Equal(ExitCode.Failed, _cli.Run("models", "verify", "m"));
        Assert.Contains("unet: missing: out.2.bias\n", _cli.Out, StringComparison.Ordinal);
        Assert.Contains("unet: unexpected: extra.weight\n", _cli.Out, StringComparison.Ordinal);
        Assert.Contains("unet: of another shape: out.0.bias [3] instead of [64]\n", _cli.Out, StringComparison.Ordinal);
        Assert.Contains("adapter: of another shape: query_tokens [1,3,64]", _cli.Out, StringComparison.Ordinal);
        Assert.Contains(
            "model: unet's context_dim 64 differs from adapter's hidden_size 32\n",
            _cli.Out,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("finite", _cli.Out, StringComparison.Ordinal);
        Assert.Single(_cli.Error.TrimEnd().Split('\n'));
        Assert.Equal(ExitCode.Failed, _cli.Run("models", "verify", "m", "--values", "--json"));
        JsonElement found = JsonDocument.Parse(_cli.Out).RootElement;
        Assert.False(found.GetProperty("ok").GetBoolean());
        Assert.Contains(
            found.GetProperty("problems").EnumerateArray(),
            p => p.GetProperty("problem").GetString() == "conv_hr.bias has 8 numbers that are not finite"
        );
    }

    [Fact]
    public void Info_says_which_layout_a_file_has()
    {
        PyTorchZipWriter.Write(_cli.Full("coser.ckpt"), _tiny.Coser());
        Assert.Equal(ExitCode.Success, _cli.Run("models", "info", "coser.ckpt"));
        Assert.Contains("PyTorch (zip), weights in 'state_dict'", _cli.Out, StringComparison.Ordinal);
        Assert.Contains(
            "layout: CoSeR (presr, clip, adapter, unet, control, autoencoder)\n",
            _cli.Out,
            StringComparison.Ordinal
        );
        TinyModel.Write(_cli.Full("lora.safetensors"), new Dictionary<string, Tensor> { ["lora_te.alpha"] = zeros(1) });
        Assert.Equal(ExitCode.Success, _cli.Run("models", "info", "lora.safetensors"));
        Assert.Contains("layout: it is a LoRA", _cli.Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Info_reads_a_diffusers_folder()
    {
        DiffusersLayout.Write(_cli.Full("sd"), _tiny);
        Assert.Equal(ExitCode.Success, _cli.Run("models", "info", "sd"));
        foreach (
            string layout in new[] { "diffusers UNet (unet)", "diffusers autoencoder", "diffusers text encoder (clip)" }
        )
            Assert.Contains("layout: " + layout, _cli.Out, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Success, _cli.Run("models", "info", "sd", "--json"));
        Assert.Equal(3, JsonDocument.Parse(_cli.Out).RootElement.GetArrayLength());
    }

    [Theory]
    [InlineData("info", "empty")]
    [InlineData("verify", "empty")]
    [InlineData("verify", "no-such-model")]
    [InlineData("info", "sd")]
    [InlineData("convert", "sd")]
    public void A_bad_folder_is_one_line(string what, string name)
    {
        Directory.CreateDirectory(_cli.Full("empty"));
        _cli.Photo("sd/unet/diffusion_pytorch_model.safetensors", "no checkpoint");
        string[] args = what == "convert" ? ["convert", "--sd", name, "-o", "m"] : [what, name];
        Assert.Equal(ExitCode.Failed, _cli.Run(["models", .. args]));
        Assert.Empty(_cli.Out);
        string line = Assert.Single(_cli.Error.TrimEnd().Split('\n'));
        Assert.StartsWith("coser: ", line, StringComparison.Ordinal);
        Assert.Contains(name, line, StringComparison.Ordinal);
    }

    [Fact]
    public void Convert_without_a_checkpoint_is_wrong_usage() =>
        Assert.Equal(ExitCode.Usage, _cli.Run("models", "convert", "-o", "m"));

    private string Convert()
    {
        TinyModel.Write(_cli.Full("coser.safetensors"), _tiny.Coser());
        Assert.Equal(ExitCode.Success, _cli.Run("models", "convert", "--coser", "coser.safetensors", "-o", "m"));
        return _cli.Full("m");
    }

    private static void Replace(string path, Action<Dictionary<string, Tensor>> change)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> tensors;
        using (var file = SafetensorsFile.Open(path))
            tensors = file.Entries.Keys.ToDictionary(k => k, k => file.Read(k).clone(), StringComparer.Ordinal);
        change(tensors);
        SafetensorsWriter.Write(path, tensors);
    }
}
