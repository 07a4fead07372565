using Coser.Checkpoints;
using Coser.Checkpoints.Conversion;
using Coser.Checkpoints.Renaming;
using static TorchSharp.torch;

namespace Coser.Tests.Checkpoints;

/// <summary>What cannot become a model is said in one line, and nothing is left behind.</summary>
public sealed class ConversionRefusalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TinyModel _tiny = new();
    private readonly string _place;

    public ConversionRefusalTests() => _place = Directory.CreateDirectory(_folder.File("place")).FullName;

    public void Dispose()
    {
        _tiny.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("--sd", "adapter is missing: give CoSeR's checkpoint with --coser")]
    [InlineData("--sd", "control is missing: give CoSeR's checkpoint with --coser")]
    [InlineData("--sd", "presr is missing: give CoSeR's checkpoint with --coser, or an MSRResNet with --presr")]
    [InlineData("--sd", "visual.class_embedding")]
    [InlineData("--sd", "give open_clip's ViT-H-14 with --clip")]
    [InlineData("--clip", "unet is missing: give CoSeR's checkpoint with --coser")]
    [InlineData("--clip", "autoencoder is missing: give Stable Diffusion 2.1-base with --sd")]
    public void What_is_missing_is_named_with_the_option_that_brings_it(string only, string message)
    {
        ConversionRequest request =
            only == "--sd"
                ? Request() with
                {
                    StableDiffusion = Write("sd", _tiny.StableDiffusion()),
                }
                : Request() with
                {
                    Clip = Write("clip", _tiny.Clip.state_dict()),
                };
        AssertRefused(request, message);
    }

    [Fact]
    public void One_lost_tensor_is_named()
    {
        Dictionary<string, Tensor> tensors = _tiny.Coser();
        tensors.Remove("global_adapter.Qformer.encoder.layer.1.output_query.dense.bias");
        AssertRefused(
            Request() with
            {
                Coser = [Write("coser", tensors)],
            },
            "adapter lacks 1 tensors (Qformer.encoder.layer.1.output_query.dense.bias): give CoSeR's checkpoint"
        );
    }

    [Fact]
    public void Files_that_disagree_are_both_named()
    {
        Dictionary<string, Tensor> clip = _tiny.Clip.state_dict();
        clip["token_embedding.weight"] = zeros(51, 64);
        AssertRefused(
            Request() with
            {
                Clip = Write("clip", clip),
                Coser = [Write("coser", _tiny.Coser())],
            },
            "coser.safetensors: its 'token_embedding.weight' of clip is [50,64], but in",
            "clip.safetensors it is [51,64]"
        );
    }

    [Theory]
    [InlineData("model.diffusion_model.input_blocks.1.0.spade.mlp_shared.0.weight", "it is StableSR's checkpoint")]
    [InlineData("conditioner.embedders.0.transformer.x", "it is Stable Diffusion XL")]
    [InlineData("lora_unet_down_blocks_0.alpha", "it is a LoRA")]
    [InlineData("cond_stage_model.transformer.text_model.x", "it is Stable Diffusion 1;")]
    [InlineData("something.else", "it looks like Stable Diffusion 2.1 (original), but 1 of its tensors")]
    [InlineData(
        "structcond_stage_model.hint_zero_conv.weight",
        "--sd takes Stable Diffusion 2.1 (original), but this is CoSeR"
    )]
    public void Foreign_files_are_told_from_the_right_ones(string key, string message)
    {
        Dictionary<string, Tensor> tensors = _tiny.StableDiffusion();
        tensors[key] = zeros(1);
        AssertRefused(
            Request() with
            {
                StableDiffusion = Write("foreign", tensors),
                Coser = [Write("coser", _tiny.Coser())],
            },
            "foreign.safetensors: ",
            message
        );
    }

    [Fact]
    public void A_place_that_is_taken_stays_as_it_is()
    {
        ConversionRequest request = Request() with { Coser = [Write("coser", _tiny.Coser())] };
        ModelConverter.Convert(request);
        Assert.Contains(
            "--overwrite",
            Assert.Throws<CheckpointException>(() => ModelConverter.Convert(request)).Message,
            StringComparison.Ordinal
        );
        Directory.CreateDirectory(Path.Combine(_place, "photos"));
        File.WriteAllText(Path.Combine(_place, "photos", "a.jpg"), "");
        request = request with { Output = Path.Combine(_place, "photos"), Overwrite = true };
        Assert.Contains(
            "holds no model",
            Assert.Throws<CheckpointException>(() => ModelConverter.Convert(request)).Message,
            StringComparison.Ordinal
        );
        Assert.Equal(
            ["model", "photos"],
            Directory.EnumerateFileSystemEntries(_place).Select(Path.GetFileName).Order()
        );
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_conversion_that_is_stopped_leaves_what_was_there(bool isThere)
    {
        ConversionRequest request = Request() with { Coser = [Write("coser", _tiny.Coser())], Overwrite = true };
        string manifest = Path.Combine(request.Output, "model.json");
        if (isThere)
            ModelConverter.Convert(request with { Name = "before" });
        string[] before = Files();
        using var stop = new CancellationTokenSource();
        var watch = new Immediately(p =>
        {
            if (p.Component == ComponentNames.Unet)
                stop.Cancel();
        });
        Assert.Throws<OperationCanceledException>(() => ModelConverter.Convert(request, watch, stop.Token));
        Assert.Equal(before, Files());
        // A killed process leaves its hidden folder, which the next one takes over.
        string left = Directory.CreateDirectory(Path.Combine(_place, ".model.partial")).FullName;
        File.WriteAllText(Path.Combine(left, "unet.safetensors.1.tmp"), "half");
        Directory.CreateDirectory(Path.Combine(left, "tokenizer"));
        ModelConverter.Convert(request with { Name = "after" });
        Assert.Contains("\"after\"", File.ReadAllText(manifest), StringComparison.Ordinal);
        Assert.Equal(["model"], Directory.EnumerateFileSystemEntries(_place).Select(Path.GetFileName));
        Assert.Equal(7, Directory.EnumerateFiles(request.Output).Count());

        string[] Files() =>
            [.. Directory.EnumerateFiles(_place, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void Two_conversions_to_one_place_do_not_mix()
    {
        ConversionRequest request = Request() with { Coser = [Write("coser", _tiny.Coser())] };
        string? second = null;
        var watch = new Immediately(_ =>
            second ??= Assert.Throws<CheckpointException>(() => ModelConverter.Convert(request)).Message
        );
        ModelConverter.Convert(request, watch);
        Assert.Contains("other conversions", second, StringComparison.Ordinal);
    }

    private ConversionRequest Request() => new() { Output = Path.Combine(_place, "model") };

    private string Write(string name, IReadOnlyDictionary<string, Tensor> tensors) =>
        TinyModel.Write(_folder.File(name + ".safetensors"), tensors);

    private void AssertRefused(ConversionRequest request, params string[] parts)
    {
        string message = Assert.Throws<CheckpointException>(() => ModelConverter.Convert(request)).Message;
        Assert.All(parts, p => Assert.Contains(p, message, StringComparison.Ordinal));
        Assert.DoesNotContain('\n', message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_place));
    }

    private sealed class Immediately(Action<ConversionProgress> report) : IProgress<ConversionProgress>
    {
        public void Report(ConversionProgress value) => report(value);
    }
}
