using System.Text.Json.Nodes;
using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Diffusion;
using Coser.Imaging;
using Coser.Restoration;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Restoration;

/// <summary>The whole pipeline on tiny networks of random weights.</summary>
[Collection(ProcessWide.Name)] // counts tensors, sets the number of threads
public sealed class CoserPipelineTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SuperResolver _resolver;

    private readonly int _threads = get_num_threads();

    public CoserPipelineTests()
    {
        _resolver = SmallCoser.Open(SmallCoser.Write(_folder.File("model")));
        // Networks so small run slower on several threads, above all beside other work.
        set_num_threads(1);
    }

    public void Dispose()
    {
        set_num_threads(_threads);
        _resolver.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(16, 16)]
    [InlineData(40, 24)]
    [InlineData(7, 90)]
    [InlineData(1, 1)]
    [InlineData(70, 51)]
    public void Photos_of_every_size_are_restored_whole(int width, int height)
    {
        using Photo photo = SmallCoser.NewPhoto(width, height);
        using RestoredPhoto restored = _resolver.Restore(photo);
        Assert.Equal((4 * width, 4 * height), (restored.Photo.Width, restored.Photo.Height));
        Tensor pixels = Pixels(restored.Photo);
        // No part was left out: a canvas starts black.
        if (width > 1)
            Assert.True(pixels.amax([1]).gt(0).to(float32).mean().item<float>() > 0.9);
        Assert.Equal(
            (SmallCoser.TrainSize, SmallCoser.TrainSize),
            (restored.Reference!.Width, restored.Reference.Height)
        );
        Assert.Equal(["cognition", "reference", "sampling", "decoding"], restored.Timings.Select(t => t.Stage));
    }

    [Fact]
    public void The_same_seed_gives_the_same_bytes_whatever_came_before()
    {
        using Photo photo = SmallCoser.NewPhoto(60, 40);
        using Photo other = SmallCoser.NewPhoto(33, 20);
        byte[] first = Bytes(photo, new());
        byte[] between = Bytes(other, new());
        Assert.Equal(first, Bytes(photo, new()));
        Assert.Equal(between, Bytes(other, new()));
        Assert.NotEqual(first, Bytes(photo, new() { Seed = 43 }));
    }

    [Fact]
    public void Thread_counts_give_the_same_picture()
    {
        using Photo photo = SmallCoser.NewPhoto(60, 40);
        Tensor one = Pixels(photo, new());
        set_num_threads(2);
        Tensor two = Pixels(photo, new());
        double error = (one - two).square().mean().item<float>();
        Assert.True(10 * Math.Log10(1 / (error + 1e-12)) > 50, $"mean square difference {error}");
    }

    public static TheoryData<RestoreOptions> Changes() =>
        [
            new RestoreOptions { Steps = 5 },
            new RestoreOptions { Preset = Preset.Best },
            new RestoreOptions { Sampler = SamplerKind.Ddim },
            new RestoreOptions { Guidance = 1 },
            new RestoreOptions { NegativePrompt = null, Reference = ReferenceSource.None },
            new RestoreOptions { Reference = ReferenceSource.PerTile },
            new RestoreOptions { Fidelity = 0 },
            new RestoreOptions { ColourFix = ColourFixKind.None },
            new RestoreOptions { ColourFix = ColourFixKind.Wavelet },
            new RestoreOptions { Cognition = false },
            new RestoreOptions { Tile = 16 },
        ];

    [Theory]
    [MemberData(nameof(Changes), DisableDiscoveryEnumeration = true)]
    public void Every_option_has_an_effect(RestoreOptions options)
    {
        using Photo photo = SmallCoser.NewPhoto(40, 24);
        Tensor usual = Pixels(photo, new());
        Tensor changed = Pixels(photo, options);
        Assert.InRange((usual - changed).abs().mean().item<float>(), 1e-6, 0.5);
    }

    [Fact]
    public void A_model_whose_autoencoder_fuses_listens_to_fidelity()
    {
        using var whole = ModelDirectory.Open(_folder.File("model"));
        Assert.DoesNotContain(ComponentNames.Cfw, whole.Manifest.Components.Keys);
        Assert.True(whole.WrapsFeatures);
        using var small = new SmallModel();
        using var preSr = ModelDirectory.Open(small.Model());
        Assert.False(preSr.WrapsFeatures);
    }

    [Fact]
    public void Noise_on_the_decoders_features_is_the_seeds_and_follows_fidelity()
    {
        RestorationConfig restoration = SmallCoser.Restoration with { FeatureNoise = 0.2 };
        using SuperResolver noisy = SmallCoser.Open(SmallCoser.Write(_folder.File("noisy"), restoration));
        using Photo photo = SmallCoser.NewPhoto(40, 24);
        Tensor once = Restored(new());
        Assert.True(once.equal(Restored(new())).all().item<bool>());
        Assert.InRange((once - Pixels(photo, new())).abs().mean().item<float>(), 1e-5, 0.5);
        // Without the features there is nothing to be noisy.
        Assert.True(Restored(new() { Fidelity = 0 }).equal(Pixels(photo, new() { Fidelity = 0 })).all().item<bool>());

        Tensor Restored(RestoreOptions options)
        {
            using RestoredPhoto restored = noisy.Restore(photo, options);
            return Pixels(restored.Photo);
        }
    }

    [Fact]
    public void A_reference_of_the_user_is_what_is_shown()
    {
        using Photo photo = SmallCoser.NewPhoto(24, 24);
        using Photo reference = SmallCoser.NewPhoto(150, 100);
        Tensor painted = Pixels(photo, new());
        var options = new RestoreOptions { Reference = ReferenceSource.Photo, ReferencePhoto = reference };
        Assert.True((painted - Pixels(photo, options)).abs().mean().item<float>() > 1e-6);
        using Photo small = SmallCoser.NewPhoto(30, 20);
        using RestoredPhoto from = _resolver.Restore(photo, options with { ReferencePhoto = small });
        Assert.Equal(SmallCoser.TrainSize, from.Reference!.Width);
        Assert.Throws<ArgumentException>(() => _resolver.Restore(photo, options with { ReferencePhoto = null }));
    }

    [Fact]
    public void A_missing_reference_is_what_the_model_was_trained_with()
    {
        RestorationConfig silent = SmallCoser.Restoration with { MissingReference = MissingReference.Silent };
        using SuperResolver other = SmallCoser.Open(SmallCoser.Write(_folder.File("silent"), silent));
        using Photo photo = SmallCoser.NewPhoto(24, 24);
        var options = new RestoreOptions { Reference = ReferenceSource.None };
        using RestoredPhoto zero = _resolver.Restore(photo, options);
        using RestoredPhoto nothing = other.Restore(photo, options);
        Assert.Null(zero.Reference);
        Assert.True((Pixels(zero.Photo) - Pixels(nothing.Photo)).abs().mean().item<float>() > 1e-6);
    }

    [Fact]
    public void What_the_model_imagines_is_the_reference_it_uses()
    {
        using Photo photo = SmallCoser.NewPhoto(40, 24);
        using Photo imagined = _resolver.Imagine(photo);
        using RestoredPhoto restored = _resolver.Restore(photo, new() { KeepStages = true });
        Assert.Equal(Bytes(imagined), Bytes(restored.Reference!));
        Assert.Equal(["matches", "pre-sr", "reference"], restored.Stages.Keys.Order());
        Assert.Equal(4 * 16, restored.Stages["pre-sr"].Height);
    }

    [Fact]
    public void Progress_rises_and_previews_are_pictures()
    {
        using Photo photo = SmallCoser.NewPhoto(70, 24);
        var seen = new List<(string Stage, int Step, int Steps)>();
        Tensor? preview = null;
        var report = new Immediately(p =>
        {
            seen.Add((p.Stage, p.Step, p.Steps));
            if (p is { Stage: "sampling", Preview: not null })
                preview = p.Preview();
        });
        using RestoredPhoto _ = _resolver.Restore(photo, new(), report);
        foreach (var stage in seen.GroupBy(s => s.Stage))
        {
            Assert.Single(stage.Select(s => s.Steps).Distinct());
            Assert.Equal(stage.Select(s => s.Step).Order(), stage.Select(s => s.Step));
            Assert.Equal(stage.First().Steps, stage.Last().Step);
        }
        Assert.Equal(["cognition", "reference", "sampling", "decoding"], seen.Select(s => s.Stage).Distinct());
        Assert.Equal(3, preview!.shape[1]);
        Assert.InRange(preview.min().item<float>(), 0, 1);
        preview.Dispose();
    }

    [Fact]
    public void A_stopped_restoration_goes_on_to_the_same_bytes()
    {
        using Photo photo = SmallCoser.NewPhoto(70, 24);
        byte[] whole = Bytes(photo, new());
        string state = _folder.File("state");
        // Stopped at every stage and in every super-tile, as often as it takes.
        int stops = 0;
        for (bool finished = false; !finished; )
        {
            using var cancel = new CancellationTokenSource();
            int steps = 0;
            var report = new Immediately(p =>
            {
                if (p.Stage is "reference" or "sampling" && ++steps == 2)
                    cancel.Cancel();
            });
            var options = new RestoreOptions { Resume = new ResumeStore(state, "this one", TimeSpan.Zero) };
            try
            {
                using RestoredPhoto restored = _resolver.Restore(photo, options, report, cancel.Token);
                Assert.Equal(whole, Bytes(restored.Photo));
                finished = true;
            }
            catch (OperationCanceledException)
            {
                Assert.True(++stops < 50, "no progress from one start to the next");
                Assert.True(Directory.Exists(state));
            }
        }
        Assert.True(stops >= 3, $"only {stops} stops");
        Assert.False(Directory.Exists(state));
    }

    [Fact]
    public void A_state_of_something_else_is_not_taken()
    {
        using Photo photo = SmallCoser.NewPhoto(40, 24);
        string state = _folder.File("state");
        using var cancel = new CancellationTokenSource();
        var stop = new Immediately(p =>
        {
            if (p is { Stage: "sampling", Step: 1 })
                cancel.Cancel();
        });
        var first = new RestoreOptions { Seed = 1, Resume = new ResumeStore(state, "seed 1", TimeSpan.Zero) };
        Assert.Throws<OperationCanceledException>(() => _resolver.Restore(photo, first, stop, cancel.Token));
        byte[] expected = Bytes(photo, new() { Seed = 2 });
        var second = new RestoreOptions { Seed = 2, Resume = new ResumeStore(state, "seed 2", TimeSpan.Zero) };
        Assert.Equal(expected, Bytes(photo, second));
        // A damaged one neither.
        Assert.Throws<OperationCanceledException>(() => _resolver.Restore(photo, first, stop, cancel.Token));
        foreach (string file in Directory.GetFiles(_folder.Path, "*.safetensors", SearchOption.AllDirectories))
        {
            if (file.Contains("state", StringComparison.Ordinal))
                File.WriteAllText(file, "nonsense");
        }
        Assert.Equal(Bytes(photo, new() { Seed = 1 }), Bytes(photo, first));
    }

    [Fact]
    public void No_tensor_outlives_a_restoration_finished_cancelled_or_failed()
    {
        using Photo photo = SmallCoser.NewPhoto(70, 24);
        var options = new RestoreOptions { Reference = ReferenceSource.PerTile };
        _resolver.Restore(photo, options).Dispose(); // what is made once is made now
        using SuperResolver broken = SmallCoser.Open(SmallCoser.Write(_folder.File("broken"), spoil: Spoil));
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = Tensor.TotalCount;
        _resolver.Restore(photo, options).Dispose();
        _resolver.Restore(photo).Dispose();
        _resolver.Imagine(photo).Dispose();
        Assert.Equal(before, Tensor.TotalCount);
        foreach (string stage in new[] { "cognition", "reference", "sampling", "decoding" })
        {
            using var cancel = new CancellationTokenSource();
            var stop = new Immediately(p =>
            {
                if (p.Stage == stage)
                    cancel.Cancel();
            });
            Assert.ThrowsAny<OperationCanceledException>(() => _resolver.Restore(photo, options, stop, cancel.Token));
            Assert.Equal(before, Tensor.TotalCount);
        }
        Assert.Throws<RestorationException>(() => broken.Restore(photo));
        Assert.Equal(before, Tensor.TotalCount);
    }

    [Fact]
    public void A_model_that_is_not_yet_whole_restores_by_its_pre_SR()
    {
        string folder = SmallCoser.Write(_folder.File("growing"));
        string manifest = Path.Combine(folder, "model.json");
        JsonNode json = JsonNode.Parse(File.ReadAllText(manifest))!;
        json["components"]!.AsObject().Remove("unet");
        File.WriteAllText(manifest, json.ToJsonString());
        using SuperResolver resolver = SmallCoser.Open(folder);
        using Photo photo = SmallCoser.NewPhoto(24, 20);
        using RestoredPhoto restored = resolver.Restore(photo);
        Assert.Equal(SuperResolver.PreSrStage, Assert.Single(restored.Timings).Stage);
        Assert.Throws<RestorationException>(() => resolver.Imagine(photo));
    }

    [Fact]
    public void A_prompt_without_a_tokenizer_is_refused()
    {
        using Photo photo = SmallCoser.NewPhoto(24, 24);
        var refused = Assert.Throws<RestorationException>(() => _resolver.Restore(photo, new() { Prompt = "a cat" }));
        Assert.Contains("--tokenizer", refused.Message, StringComparison.Ordinal);
    }

    private static void Spoil(nn.Module network)
    {
        using var noGrad = no_grad();
        network.parameters().First().fill_(double.NaN);
    }

    private static Tensor Pixels(Photo photo) => photo.Read(new PixelArea(0, 0, photo.Width, photo.Height));

    private static byte[] Bytes(Photo photo)
    {
        using Tensor pixels = Pixels(photo);
        return pixels.bytes.ToArray();
    }

    private Tensor Pixels(Photo photo, RestoreOptions options)
    {
        using RestoredPhoto restored = _resolver.Restore(photo, options);
        return Pixels(restored.Photo);
    }

    private byte[] Bytes(Photo photo, RestoreOptions options)
    {
        using Tensor pixels = Pixels(photo, options);
        return pixels.bytes.ToArray();
    }

    private sealed class Immediately(Action<RestoreProgress> report) : IProgress<RestoreProgress>
    {
        public void Report(RestoreProgress value) => report(value);
    }
}
