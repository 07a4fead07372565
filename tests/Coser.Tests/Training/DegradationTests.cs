using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Coser.Training.Degradation;
using TorchSharp;

namespace Coser.Tests.Training;

public sealed class DegradationTests
{
    private static readonly DegradationSettings Small = DegradationSettings.Reference with { GtSize = 64 };

    [Fact]
    public void A_sample_is_the_same_in_any_order_and_on_any_thread()
    {
        const int samples = 12;
        byte[][] forwards = [.. Enumerable.Range(0, samples).Select(i => Degraded(epoch: 1, i))];
        torch.random.manual_seed(99);
        byte[][] backwards = [.. Enumerable.Range(0, samples).Reverse().Select(i => Degraded(epoch: 1, i)).Reverse()];
        var parallel = new byte[samples][];
        Parallel.For(0, samples, new ParallelOptions { MaxDegreeOfParallelism = 2 }, i => parallel[i] = Degraded(1, i));
        for (int i = 0; i < samples; i++)
        {
            Assert.Equal(forwards[i], backwards[i]);
            Assert.Equal(forwards[i], parallel[i]);
        }
    }

    [Fact]
    public void Samples_epochs_and_seeds_differ()
    {
        byte[][] all = [Degraded(0, 0), Degraded(0, 1), Degraded(1, 0), Degraded(0, 0, seed: 8)];
        Assert.Equal(4, all.Select(Convert.ToHexString).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void The_global_seed_is_not_moved()
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor image = Image();
        torch.random.manual_seed(5);
        float undisturbed = torch.rand(1).item<float>();
        torch.random.manual_seed(5);
        using var draws = new SeededDraws(1);
        new SecondOrderDegradation().Degrade(image, draws, Small);
        Assert.Equal(undisturbed, torch.rand(1).item<float>());
    }

    [Fact]
    public void Pairs_have_the_promised_sizes_and_levels()
    {
        var degradation = new SecondOrderDegradation();
        for (ulong seed = 0; seed < 20; seed++)
        {
            using var scope = torch.NewDisposeScope();
            using var draws = new SeededDraws(seed);
            (torch.Tensor lq, torch.Tensor gt) = degradation.Degrade(Image(), draws, Small);
            Assert.Equal([1, 3, 16, 16], lq.shape);
            Assert.Equal([1, 3, 64, 64], gt.shape);
            float[] levels = [.. (lq * 255).data<float>()];
            Assert.All(levels, v => Assert.Equal(MathF.Round(v), v, 3));
            Assert.All(levels, v => Assert.InRange(v, 0, 255));
            Assert.True(lq.std().item<float>() > 0.01);
        }
    }

    [Fact]
    public void The_pair_shows_the_same_place()
    {
        // A step to the right and a step down: wherever the window lies, LR and HR agree about where they are.
        using var scope = torch.NewDisposeScope();
        torch.Tensor image = Image() * 0.1 + 0.15;
        image.narrow(3, 60, 68).add_(0.3);
        image.narrow(2, 50, 46).add_(0.2);
        static PassSettings Clean(PassSettings pass) =>
            pass with
            {
                ResizeFactor = new(1, 1),
                GaussianProbability = 1,
                GaussianSigma = new(0, 0),
                JpegQuality = new(99, 99),
            };
        DegradationSettings clean = Small with { First = Clean(Small.First), Second = Clean(Small.Second) };
        var degradation = new SecondOrderDegradation();
        for (ulong seed = 0; seed < 20; seed++)
        {
            using var draws = new SeededDraws(seed);
            (torch.Tensor lq, torch.Tensor gt) = degradation.Degrade(image, draws, clean);
            torch.Tensor difference = lq - Resize.ToSize(gt, 16, 16, ResizeMode.Area);
            // Blur and ringing leave the mean alone; a step one pixel off moves it by a sixteenth of 0.3 or 0.2.
            Assert.InRange(difference.mean().item<float>(), -0.01, 0.01);
        }
    }

    [Fact]
    public void A_whole_image_keeps_its_size_and_depends_on_its_seed_alone()
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor image = Image();
        var degradation = new SecondOrderDegradation();
        torch.Tensor first = degradation.DegradeWhole(image, 3, DegradationSettings.Reference);
        Assert.Equal([1, 3, 24, 32], first.shape);
        Assert.True(first.equal(degradation.DegradeWhole(image, 3, DegradationSettings.Reference)).all().item<bool>());
        torch.Tensor other = degradation.DegradeWhole(image, 4, DegradationSettings.Reference);
        Assert.False(first.equal(other).all().item<bool>());
    }

    [Fact]
    public void Images_that_do_not_fit_are_refused()
    {
        using var scope = torch.NewDisposeScope();
        using var draws = new SeededDraws(1);
        var degradation = new SecondOrderDegradation();
        torch.Tensor image = Image();
        Assert.Throws<ArgumentException>(() => degradation.Degrade(image.narrow(2, 0, 95), draws, Small));
        Assert.Throws<ArgumentException>(() => degradation.Degrade(image[0], draws, Small));
        Assert.Throws<ArgumentException>(() => degradation.Degrade(image.to(torch.float64), draws, Small));
        Assert.Throws<ArgumentException>(() => degradation.Degrade(image, draws, DegradationSettings.Reference));
    }

    [Fact]
    public void Tiny_images_pass()
    {
        using var scope = torch.NewDisposeScope();
        var degradation = new SecondOrderDegradation();
        for (ulong seed = 0; seed < 20; seed++)
        {
            torch.Tensor lq = degradation.DegradeWhole(
                torch.full([1, 3, 4, 8], 0.5f),
                seed,
                DegradationSettings.Reference
            );
            Assert.Equal([1, 3, 1, 2], lq.shape);
            Assert.True(lq.isfinite().all().item<bool>());
        }
    }

    [Fact]
    public void Without_degradation_the_pair_is_a_plain_shrink()
    {
        using var scope = torch.NewDisposeScope();
        using var draws = new SeededDraws(1);
        DegradationSettings never = Small with { NoDegradationProbability = 1, SharpenGt = false };
        (torch.Tensor lq, torch.Tensor gt) = new SecondOrderDegradation().Degrade(Image(), draws, never);
        torch.Tensor shrunk = Resize.ToSize(gt, 16, 16, ResizeMode.Area);
        Assert.InRange((lq - shrunk).abs().max().item<float>(), 0, 0.03);
    }

    [Fact]
    public void Jpeg_at_quality_100_is_finite_and_almost_lossless()
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor image = Image();
        var jpeg = new DiffJpeg();
        double Error(float quality) => (jpeg.Apply(image, torch.tensor([quality])) - image).abs().mean().item<float>();
        Assert.InRange(Error(100), 0, 0.02);
        Assert.True(Error(30) > Error(90));
    }

    [Fact]
    public void Nothing_leaks()
    {
        using torch.Tensor image = Image();
        Degraded(0, 0);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        for (int i = 0; i < 10; i++)
            Degraded(0, i);
        new SecondOrderDegradation().DegradeWhole(image, 3, DegradationSettings.Reference).Dispose();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Settings_survive_json()
    {
        DegradationSettings own = DegradationSettings.Reference with
        {
            GtSize = null,
            RoundLq = false,
            Second = DegradationSettings.Reference.Second with
            {
                JpegQuality = new(31.5, 70),
                ResizeProbabilities = new(1, 2, 3),
                Blur = new() { KernelSizes = [3, 5] },
            },
        };
        string json = own.ToJson();
        Assert.Contains("\"no_degradation_probability\": 0.01", json, StringComparison.Ordinal);
        DegradationSettings back = DegradationSettings.FromJson(json);
        Assert.Equal(json, back.ToJson());
        Assert.Null(back.GtSize);
        Assert.Equal(new Interval(31.5, 70), back.Second.JpegQuality);
        Assert.Equal([3, 5], back.Second.Blur.KernelSizes);
    }

    [Fact]
    public void Json_that_leaves_settings_out_keeps_the_reference()
    {
        DegradationSettings settings = DegradationSettings.FromJson(
            """{ "gt_size": 128, "second": { "blur": { "sigma": [0.3, 0.9] } } }"""
        );
        DegradationSettings reference = DegradationSettings.Reference;
        DegradationSettings expected = reference with
        {
            GtSize = 128,
            Second = reference.Second with { Blur = reference.Second.Blur with { Sigma = new(0.3, 0.9) } },
        };
        Assert.Equal(expected.ToJson(), settings.ToJson());
    }

    [Theory]
    [InlineData("""{ "gt_sise": 128 }""")]
    [InlineData("""{ "first": { "jpeg_quality": [60] } }""")]
    public void Json_that_means_nothing_is_refused(string json) =>
        Assert.Throws<JsonException>(() => DegradationSettings.FromJson(json));

    [Theory]
    [InlineData("""{ "gt_size": 130 }""", "gt_size")]
    [InlineData("""{ "no_degradation_probability": 1.5 }""", "no_degradation_probability")]
    [InlineData("""{ "first": { "jpeg_quality": [60, 101] } }""", "first.jpeg_quality")]
    [InlineData("""{ "second": { "blur": { "kernel_sizes": [8] } } }""", "second.blur.kernel_sizes")]
    public void Values_out_of_range_are_named(string json, string name)
    {
        var refusal = Assert.Throws<ValidationException>(() => DegradationSettings.FromJson(json));
        Assert.Contains(name, refusal.Message, StringComparison.Ordinal);
    }

    private static byte[] Degraded(long epoch, long sample, ulong seed = 7)
    {
        using var scope = torch.NewDisposeScope();
        using var draws = SeededDraws.ForSample(seed, epoch, sample);
        (torch.Tensor lq, torch.Tensor gt) = new SecondOrderDegradation().Degrade(Image(), draws, Small);
        return [.. lq.bytes, .. gt.bytes];
    }

    // [1,3,96,128]: a smooth picture with some texture.
    private static torch.Tensor Image()
    {
        using var scope = torch.NewDisposeScope();
        using var generator = new torch.Generator(11);
        torch.Tensor coarse = torch.rand([1, 3, 6, 8], generator: generator);
        torch.Tensor fine = torch.rand([1, 3, 96, 128], generator: generator) * 0.1;
        return (Resize.ToSize(coarse, 96, 128, ResizeMode.Bilinear) * 0.9 + fine).MoveToOuterDisposeScope();
    }

    [Theory]
    [InlineData("{ \"scale\": 0 }", "scale is at least 1")]
    [InlineData("{ \"scala\": 4 }", "scala")]
    [InlineData(null, "Could not find")]
    public void A_settings_file_that_is_not_sound_is_named(string? text, string reason)
    {
        using var folder = new TemporaryFolder();
        string path = folder.File("settings.json");
        if (text is not null)
            File.WriteAllText(path, text);
        string message = Assert.Throws<InvalidDataException>(() => DegradationSettings.Read(path)).Message;
        Assert.StartsWith(path, message);
        Assert.Contains(reason, message, StringComparison.Ordinal);
    }
}
