using Coser.Evaluation;
using Coser.Metrics;
using Coser.Metrics.Catalogue;
using static TorchSharp.torch;

namespace Coser.Tests.Evaluation;

public sealed class EvaluationRunTests
{
    [Fact]
    public void Figures_are_those_of_the_rounded_image()
    {
        using var set = new SmallSet();
        using MetricSet metrics = MetricSet.Open();
        using var lanczos = new InterpolationMethod(lanczos: true);
        using var nearest = new CountingMethod();
        EvaluationResult result = Run(set, metrics, lanczos, nearest);
        Assert.Equal(["lanczos", "nearest"], result.Methods);
        Assert.Equal(2 * SmallSet.Count, result.Rows.Count);
        // The truth was made by Lanczos and rounded.
        Assert.All(result.Rows.Where(r => r.Method == "lanczos"), r => Assert.Equal(80, r.Values["psnr_rgb"], 6));
        EvaluationRow row = result.Rows.Single(r => r is { Method: "nearest", Image: "image2" });
        using Tensor restored = PhotoTensor.Read(Path.Combine(set.Output, "images", "nearest", "image2.png"));
        using Tensor truth = PhotoTensor.Read(Path.Combine(set.Hr, "image2.png"));
        Assert.Equal(Psnr.Compute(restored, truth), row.Values["psnr_rgb"], 9);
        Assert.Equal(Gmsd.Compute(restored, truth), row.Values["gmsd"], 9);
        // Too small for these: not there, never something else.
        Assert.DoesNotContain("ms_ssim_y", row.Values.Keys);
        Assert.DoesNotContain("niqe", result.Metrics.Select(m => m.Key));
        Assert.Contains("BT.601", result.Protocol, StringComparison.Ordinal);
    }

    [Fact]
    public void A_killed_run_goes_on_where_it_was()
    {
        using var set = new SmallSet();
        using MetricSet metrics = MetricSet.Open();
        using var dying = new CountingMethod { Dies = "image2" };
        Assert.Throws<OperationCanceledException>(() => Run(set, metrics, dying));
        string log = Path.Combine(set.Output, "results.jsonl");
        // Killed while the last line was being written.
        File.WriteAllText(log, File.ReadAllText(log)[..^20]);
        using var again = new CountingMethod();
        EvaluationResult result = Run(set, metrics, again);
        Assert.Equal(["image1", "image2", "image3"], again.Asked);
        using var third = new CountingMethod();
        EvaluationResult same = Run(set, metrics, third);
        Assert.Empty(third.Asked);
        Assert.Equal(result.Rows.Select(r => r.Values["haarpsi"]), same.Rows.Select(r => r.Values["haarpsi"]));
    }

    [Fact]
    public void Another_model_under_the_same_name_is_run_anew()
    {
        using var set = new SmallSet();
        using MetricSet metrics = MetricSet.Open();
        using var first = new CountingMethod(identity: "hash a");
        Run(set, metrics, first);
        using var second = new CountingMethod(identity: "hash b");
        Run(set, metrics, second);
        Assert.Equal(SmallSet.Count, second.Asked.Count);
    }

    [Fact]
    public void A_metric_of_another_convention_is_measured_again_on_the_kept_images()
    {
        using var set = new SmallSet();
        using var method = new CountingMethod();
        using MetricSet metrics = MetricSet.Open();
        Run(set, metrics, method);
        string log = Path.Combine(set.Output, "results.jsonl");
        File.WriteAllText(log, File.ReadAllText(log).Replace("T = 170", "T = 1", StringComparison.Ordinal));
        using var again = new CountingMethod();
        EvaluationResult result = Run(set, metrics, again);
        Assert.Empty(again.Asked);
        Assert.All(result.Rows, r => Assert.EndsWith("T = 170", r.Conventions["gmsd"], StringComparison.Ordinal));
        Assert.Equal(1 + 2 * SmallSet.Count, File.ReadAllLines(log).Length);
    }

    [Fact]
    public void A_photo_replaced_under_its_old_name_is_restored_and_measured_anew()
    {
        using var set = new SmallSet();
        using MetricSet metrics = MetricSet.Open();
        using var first = new CountingMethod();
        EvaluationResult before = Run(set, metrics, first);
        DateTime written = File.GetLastWriteTimeUtc(Path.Combine(set.Lr, "image1.png"));
        // Of the same size and date: only what they hold differs.
        File.Copy(Path.Combine(set.Lr, "image0.png"), Path.Combine(set.Lr, "image1.png"), overwrite: true);
        File.SetLastWriteTimeUtc(Path.Combine(set.Lr, "image1.png"), written);
        File.Copy(Path.Combine(set.Hr, "image0.png"), Path.Combine(set.Hr, "image2.png"), overwrite: true);
        using var again = new CountingMethod();
        EvaluationResult after = Run(set, metrics, again);
        Assert.Equal(["image1", "image2"], again.Asked);
        for (int i = 0; i < SmallSet.Count; i++)
        {
            bool changed = before.Rows[i].Values["psnr_rgb"] != after.Rows[i].Values["psnr_rgb"];
            Assert.Equal(i is 1 or 2, changed);
        }
        // The same for images that another program restored.
        using var folder = new FolderMethod(set.Hr);
        Run(set, metrics, folder);
        File.Copy(Path.Combine(set.Hr, "image3.png"), Path.Combine(set.Hr, "image0.png"), overwrite: true);
        double psnr = Run(set, metrics, folder).Rows[0].Values["psnr_rgb"];
        Assert.Equal(80, psnr, 6);
        Assert.NotEqual(before.Rows[0].Photos, Run(set, metrics, folder).Rows[0].Photos);
    }

    [Fact]
    public void A_folder_of_another_protocol_is_not_mixed_in()
    {
        using var set = new SmallSet();
        using MetricSet metrics = MetricSet.Open();
        using var method = new CountingMethod();
        Run(set, metrics, method);
        var other = new EvaluationRun(set.Output, metrics);
        string message = Assert.Throws<InvalidDataException>(() => other.Run("another", set.Images, [method])).Message;
        Assert.Contains("another protocol", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_result_of_the_wrong_size_is_refused()
    {
        using var set = new SmallSet();
        using MetricSet metrics = MetricSet.Open();
        using var twice = new CountingMethod(scale: 2);
        string message = Assert.Throws<InvalidDataException>(() => Run(set, metrics, twice)).Message;
        Assert.Contains("24x24", message, StringComparison.Ordinal);
        Assert.Contains("48x48", message, StringComparison.Ordinal);
        Assert.Throws<InvalidDataException>(() => Run(set, metrics, twice, twice));
    }

    [Fact]
    public void Images_of_another_program_are_read_by_name()
    {
        using var set = new SmallSet();
        using MetricSet metrics = MetricSet.Open();
        using var truth = new FolderMethod(set.Hr);
        EvaluationResult result = Run(set, metrics, truth);
        Assert.Equal("hr", result.Methods[0]);
        Assert.All(result.Rows, r => Assert.Equal(80, r.Values["psnr_y"], 6));
        File.Delete(Path.Combine(set.Hr, "image1.png"));
        using var lacking = new FolderMethod(set.Hr);
        Assert.Throws<InvalidDataException>(() => lacking.Restore(new("image1", "", null)));
    }

    [Fact]
    public void Unsharp_masking_adds_the_blurs_difference_and_leaves_flat_areas_alone()
    {
        using var set = new SmallSet();
        EvaluationImage image = set.Images[0];
        using var plain = new CountingMethod();
        using Tensor soft = plain.Restore(image);
        using var once = new UnsharpMethod(new CountingMethod(), 0.5);
        using var more = new UnsharpMethod(new CountingMethod(), 1);
        using Tensor first = once.Restore(image);
        using Tensor second = more.Restore(image);
        Assert.NotEqual(once.Identity, more.Identity);
        Assert.Equal("nearest, unsharp 0.5", once.Name);
        using Tensor inside = (second > 0.001).logical_and(second < 0.999);
        using Tensor added = ((second - soft) - (first - soft) * 2).masked_select(inside).abs().max();
        Assert.True(added.item<float>() < 1e-5);
        Assert.True((first - soft).abs().max().item<float>() > 0.01);
        using var bright = new UnsharpMethod(new BrightMethod(7));
        using Tensor flat = bright.Restore(image);
        Assert.True((flat - 70 / 255.0).abs().max().item<float>() < 1e-6);
        using IRestorationMethod? other = bright.WithSeed(8);
        Assert.NotNull(other);
    }

    [Fact]
    public void Without_truth_only_what_needs_none_is_measured()
    {
        using var set = new SmallSet(hrSide: 192);
        using MetricSet metrics = MetricSet.Open();
        using var method = new CountingMethod();
        IReadOnlyList<EvaluationImage> images = Protocols.Collect(
            EvaluationProtocol.NoReference,
            set.Lr,
            null,
            set.Folder.File("work"),
            limit: 2
        );
        EvaluationResult result = new EvaluationRun(set.Output, metrics).Run("alone", images, [method]);
        Assert.Equal(2, result.Rows.Count);
        Assert.All(result.Rows, r => Assert.Equal(["niqe"], r.Values.Keys));
        (MetricInfo info, IReadOnlyDictionary<string, double> figures) = Assert.Single(result.SetFigures);
        Assert.Equal(("niqe_set", true), (info.Key, figures["nearest"] > 0));
    }

    [Fact]
    public void Stability_is_the_spread_over_seeds()
    {
        using var set = new SmallSet();
        using MetricSet metrics = MetricSet.Open();
        using var steady = new CountingMethod();
        var run = new EvaluationRun(set.Output, metrics);
        Assert.Null(run.Vary("small pairs", set.Images, steady, 1, 3));
        using var shaky = new BrightMethod(0);
        Stability found = run.Vary("small pairs", set.Images, shaky, 10, 3)!;
        // Seeds 10, 11, 12 give flat images of 100, 110, 120 levels.
        Assert.Equal((3, "bright"), (found.Seeds, found.Method));
        Assert.Equal(10, found.Local, 4);
        Assert.True(found.Global["psnr_rgb"] > 0.01);
        Assert.Equal(0, found.Global["sharpness"], 9);
        using var again = new BrightMethod(0);
        Assert.Equal(found.Local, run.Vary("small pairs", set.Images, again, 10, 3)!.Local);
        Assert.Equal(0, again.Asked[0]);
    }

    // A flat image as bright as its seed says.
    private sealed class BrightMethod(long seed, int[]? asked = null) : IRestorationMethod
    {
        public int[] Asked { get; } = asked ?? [0];

        public string Name => "bright";

        public string Identity => $"seed {seed}";

        public Tensor Restore(EvaluationImage image)
        {
            Asked[0]++;
            return full([1, 3, 48, 48], seed * 10 / 255.0, dtype: float32);
        }

        public IRestorationMethod WithSeed(long other) => new BrightMethod(other, Asked);

        public void Dispose() { }
    }

    private static EvaluationResult Run(SmallSet set, MetricSet metrics, params IRestorationMethod[] methods) =>
        new EvaluationRun(set.Output, metrics).Run("small pairs", set.Images, methods);
}
