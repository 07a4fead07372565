using System.Security.Cryptography;
using System.Text.Json;
using Coser.Checkpoints;
using Coser.Checkpoints.Conversion;
using Coser.Checkpoints.Renaming;
using static TorchSharp.torch;

namespace Coser.Tests.Checkpoints;

/// <summary>From published layouts to a model directory whose networks compute what those of the files did.</summary>
public sealed class ConversionTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly TinyModel _tiny = new();

    public void Dispose()
    {
        _tiny.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("coser.safetensors")]
    [InlineData("coser.ckpt")]
    public void The_whole_checkpoint_becomes_networks_that_compute_the_same(string name)
    {
        string coser =
            Path.GetExtension(name) == ".ckpt"
                ? PyTorchZipWriter.Write(_folder.File(name), _tiny.Coser())
                : TinyModel.Write(_folder.File(name), _tiny.Coser());
        string cfw = TinyModel.Write(_folder.File("cfw.safetensors"), _tiny.Cfw.state_dict());
        ConvertedModel made = ModelConverter.Convert(Request() with { Coser = [coser], Cfw = cfw });
        Assert.Equal(ComponentNames.All, made.Components);
        AssertSame(made.Folder);
        using ModelDirectory model = ModelDirectory.Open(made.Folder);
        Assert.Empty(ModelVerifier.Verify(model, NetworkKinds.All, values: true));
        JsonElement source = model.Manifest.Provenance!.Value.GetProperty("sources")[0];
        Assert.Equal(name, source.GetProperty("file").GetString());
        Assert.Equal(
            Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(coser))),
            source.GetProperty("sha256").GetString()
        );
    }

    [Fact]
    public void Parts_from_several_files_make_one_model()
    {
        string stage1 = TinyModel.Write(
            _folder.File("stage1.safetensors"),
            _tiny.Coser(ComponentNames.PreSr, ComponentNames.Adapter)
        );
        // The first stage's own pre-SR gives way to the whole checkpoint's, whatever the order.
        using var other = new TinyModel(seed: 2);
        string wrong = TinyModel.Write(
            _folder.File("wrong.safetensors"),
            other.Coser(ComponentNames.PreSr, ComponentNames.Adapter)
        );
        string whole = TinyModel.Write(
            _folder.File("coser.safetensors"),
            _tiny.Coser(ComponentNames.PreSr, ComponentNames.Adapter, ComponentNames.Unet, ComponentNames.Control)
        );
        ConvertedModel made = ModelConverter.Convert(
            Request() with
            {
                StableDiffusion = TinyModel.Write(_folder.File("sd.safetensors"), _tiny.StableDiffusion()),
                Clip = TinyModel.Write(_folder.File("clip.safetensors"), _tiny.Clip.state_dict()),
                Coser = [whole, wrong],
            }
        );
        AssertSame(made.Folder);
        string preSr = TinyModel.Write(_folder.File("presr.safetensors"), other.PreSr.state_dict());
        made = ModelConverter.Convert(
            Request() with
            {
                StableDiffusion = _folder.File("sd.safetensors"),
                Clip = _folder.File("clip.safetensors"),
                Coser = [stage1, whole],
                PreSr = preSr,
                Overwrite = true,
            }
        );
        using ModelDirectory model = ModelDirectory.Open(made.Folder);
        using var network = model.LoadPreSr();
        Assert.True(TinyModel.Output(network).Equals(TinyModel.Output(other.PreSr)));
    }

    [Fact]
    public void A_diffusers_folder_gives_the_same_bytes_as_the_original_file()
    {
        string[] parts = [ComponentNames.Unet, ComponentNames.Autoencoder, ComponentNames.Clip];
        string clip = TinyModel.Write(_folder.File("clip.safetensors"), _tiny.Clip.state_dict());
        string[] folders =
        [
            .. new[]
            {
                TinyModel.Write(_folder.File("sd.safetensors"), _tiny.StableDiffusion()),
                DiffusersLayout.Write(_folder.File("sd"), _tiny),
            }.Select(
                (sd, i) =>
                    ModelConverter
                        .Convert(
                            Request() with
                            {
                                StableDiffusion = sd,
                                Clip = clip,
                                Required = parts,
                                Output = _folder.File($"model{i}"),
                            }
                        )
                        .Folder
            ),
        ];
        foreach (string part in parts)
            Assert.Equal(
                File.ReadAllBytes(Path.Combine(folders[0], part + ".safetensors")),
                File.ReadAllBytes(Path.Combine(folders[1], part + ".safetensors"))
            );
    }

    [Theory]
    [InlineData(ConversionType.Fp16, ScalarType.Float16)]
    [InlineData(ConversionType.Bf16, ScalarType.BFloat16)]
    public void Numbers_take_the_asked_type_and_whole_numbers_stay(ConversionType type, ScalarType expected)
    {
        string coser = TinyModel.Write(_folder.File("coser.safetensors"), _tiny.Coser());
        ConvertedModel made = ModelConverter.Convert(Request() with { Coser = [coser], DType = type });
        using ModelDirectory model = ModelDirectory.Open(made.Folder);
        using var network = model.Load(ComponentNames.Adapter, NetworkKinds.Adapter);
        foreach ((string name, Tensor value) in network.state_dict())
        {
            Tensor truth = _tiny.Adapter.state_dict()[name];
            Assert.Equal(truth.is_floating_point() ? expected : ScalarType.Int64, value.dtype);
            Assert.True(value.Equals(truth.to(value.dtype)), name);
        }
    }

    [Fact]
    public void What_float16_cannot_hold_is_named()
    {
        Dictionary<string, Tensor> tensors = _tiny.Coser();
        tensors["pre_sr_model.conv_hr.bias"] = full([8], 1e6f);
        string coser = TinyModel.Write(_folder.File("coser.safetensors"), tensors);
        AssertRefused(Request() with { Coser = [coser], DType = ConversionType.Fp16 }, "conv_hr.bias", "--dtype bf16");
    }

    [Fact]
    public void A_vocabulary_comes_along()
    {
        string coser = TinyModel.Write(_folder.File("coser.safetensors"), _tiny.Coser());
        string words = Directory.CreateDirectory(_folder.File("words")).FullName;
        File.WriteAllText(Path.Combine(words, "merges.txt"), "#version: 0.2\ni n\nt h\n");
        File.WriteAllText(Path.Combine(words, "vocab.json"), "{\"!\": 0, \"in</w>\": 1}");
        ConversionRequest request = Request() with { Coser = [coser], Tokenizer = words };
        string made = ModelConverter.Convert(request).Folder;
        Assert.Equal("#version: 0.2\ni n\nt h\n", File.ReadAllText(Path.Combine(made, "tokenizer", "merges.txt")));
        File.WriteAllText(Path.Combine(words, "vocab.json"), "<html>");
        AssertRefused(request with { Overwrite = true }, "vocab.json", "no vocabulary");
    }

    [Fact]
    public void Official_sizes_are_read_off_official_files()
    {
        foreach (string manifest in new[] { "coser_full", "cfw_autoencoder" })
        {
            using var file = new ManifestCheckpoint(manifest);
            foreach (var component in RenamingTables.For(file).Apply(file).Tensors.GroupBy(t => t.Component))
            {
                var shapes = component.ToDictionary(t => t.Key, t => t.Shape, StringComparer.Ordinal);
                (NetworkKind kind, JsonElement config, bool isFullSize) = InferredConfigs.Of(component.Key, shapes);
                Assert.True(isFullSize, $"{component.Key}: {config}");
                using nn.Module network = kind.Build(config);
                Assert.True(WeightLoader.Compare(network, shapes).IsEmpty, component.Key);
            }
        }
    }

    private ConversionRequest Request() => new() { Output = _folder.File("model") };

    private void AssertSame(string folder)
    {
        using ModelDirectory model = ModelDirectory.Open(folder);
        foreach (ModelComponent component in model.Components)
        {
            NetworkKind kind = NetworkKinds.All.Single(k => k.Name == component.Kind);
            using nn.Module network = model.Load(component.Role, kind);
            using Tensor expected = TinyModel.Output(_tiny.Networks[component.Role]);
            using Tensor actual = TinyModel.Output(network);
            Assert.True(expected.isfinite().all().item<bool>() && expected.std().item<float>() > 1e-3, component.Role);
            Assert.True(expected.Equals(actual), component.Role);
        }
    }

    private static void AssertRefused(ConversionRequest request, params string[] parts)
    {
        string message = Assert.Throws<CheckpointException>(() => ModelConverter.Convert(request)).Message;
        Assert.All(parts, p => Assert.Contains(p, message, StringComparison.Ordinal));
        Assert.DoesNotContain('\n', message);
    }
}
