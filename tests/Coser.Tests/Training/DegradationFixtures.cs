using System.Globalization;
using System.Text.Json;
using Coser.Tests.Fixtures;
using Coser.Training.Degradation;
using TorchSharp;

namespace Coser.Tests.Training;

/// <summary>The parts of the degradation against their golden numbers.</summary>
internal static class DegradationFixtures
{
    [FixtureKind("degrade_kernels")]
    public static void Kernels(FixtureCase c)
    {
        foreach (JsonProperty entry in c.Config.EnumerateObject())
        {
            double Number(string name) => entry.Value.GetProperty(name).GetDouble();
            int size = entry.Value.GetProperty("kernel_size").GetInt32();
            double[,] kernel;
            if (entry.Value.TryGetProperty("cutoff", out JsonElement cutoff))
            {
                int padTo = entry.Value.GetProperty("pad_to").GetInt32();
                kernel = BlurKernels.CircularLowPass(cutoff.GetDouble(), size, padTo);
            }
            else
            {
                bool isotropic = entry.Value.GetProperty("isotropic").GetBoolean();
                KernelShape shape =
                    entry.Name.Contains("generalized", StringComparison.Ordinal) ? KernelShape.Generalised
                    : entry.Name.Contains("plateau", StringComparison.Ordinal) ? KernelShape.Plateau
                    : KernelShape.Gaussian;
                double beta = entry.Value.TryGetProperty("beta", out JsonElement b) ? b.GetDouble() : 1;
                kernel = isotropic
                    ? BlurKernels.Bivariate(shape, size, Number("sig_x"), Number("sig_x"), 0, beta)
                    : BlurKernels.Bivariate(shape, size, Number("sig_x"), Number("sig_y"), Number("theta"), beta);
            }
            // The formulas are float64 on both sides.
            c.AssertOutput(entry.Name, torch.tensor(kernel), 1e-12);
        }
    }

    [FixtureKind("filter2d")]
    public static void Filter(FixtureCase c)
    {
        torch.Tensor image = c.Input("image");
        c.AssertOutput("per_sample", Filter2D.Apply(image, c.Input("kernels")));
        c.AssertOutput("single", Filter2D.Apply(image, c.Input("kernel_single")));
        // Any type but float32 goes the way of other devices.
        c.AssertOutput("per_sample", Filter2D.Apply(image.to(torch.float64), c.Input("kernels")));
        c.AssertOutput("single", Filter2D.Apply(image.to(torch.float64), c.Input("kernel_single")));
    }

    [FixtureKind("usm_sharp")]
    public static void Usm(FixtureCase c)
    {
        int radius = c.Config.GetProperty("radius").GetInt32();
        double weight = c.Config.GetProperty("weight").GetDouble();
        double threshold = c.Config.GetProperty("threshold").GetDouble();
        var sharpen = new UsmSharp(radius, c.Config.GetProperty("sigma").GetDouble());
        Assert.Equal(c.Config.GetProperty("sigma_effective").GetDouble(), sharpen.Sigma, 12);
        torch.Tensor profile = torch.tensor(BlurKernels.Gaussian1D(radius | 1, sharpen.Sigma));
        c.AssertOutput("kernel", torch.outer(profile, profile).unsqueeze(0));
        c.AssertOutput("sharp", sharpen.Apply(c.Input("image"), weight, threshold));
        c.AssertOutput("sharp", sharpen.Apply(c.Input("image").to(torch.float64), weight, threshold));
    }

    [FixtureKind("diffjpeg")]
    public static void Jpeg(FixtureCase c)
    {
        var jpeg = new DiffJpeg();
        foreach (string name in c.OutputNames)
        {
            torch.Tensor images = c.Input(name);
            torch.Tensor quality = c.HasInput(name + "_quality")
                ? c.Input(name + "_quality")
                : torch.full([images.shape[0]], float.Parse(name.AsSpan(1), CultureInfo.InvariantCulture));
            c.AssertOutput(name, jpeg.Apply(images, quality));
        }
    }

    [FixtureKind("noise")]
    public static void NoiseKinds(FixtureCase c)
    {
        torch.Tensor image = c.Input("image");
        torch.Tensor sigma = c.Input("sigma");
        torch.Tensor scale = c.Input("poisson_scale");
        torch.Tensor flags = c.Input("gray_flags");
        torch.Tensor colour = torch.zeros_like(flags);
        // Nothing but one sum and one product lies between draw and output.
        const double tolerance = 2e-6;

        torch.Tensor Gaussian(torch.Tensor grey, params (string, string)[] draws) =>
            image + Noise.Gaussian(image, sigma, grey, LoggedDraws.Tensors(c, draws));
        torch.Tensor Poisson(torch.Tensor grey, params (string, string)[] draws) =>
            image + Noise.Poisson(image, scale, grey, LoggedDraws.Tensors(c, draws));

        torch.Tensor mixed = Gaussian(flags, ("randn", "gauss_gray_draw"), ("randn", "gauss_color_draw"));
        c.AssertOutput("gaussian_mixed", mixed.clamp(0, 1), tolerance);
        torch.Tensor plain = Gaussian(colour, ("randn", "gauss_color_draw2"));
        c.AssertOutput("gaussian_color_only", plain.clamp(0, 1), tolerance);
        torch.Tensor rounded = Gaussian(colour, ("randn", "gauss_color_draw4"));
        c.AssertOutput("gaussian_rounds", (rounded * 255).round().clamp(0, 255) / 255, tolerance);

        torch.Tensor shot = Poisson(
            flags,
            ("poisson_counts", "poisson_gray_counts"),
            ("poisson_counts", "poisson_color_counts")
        );
        c.AssertOutput("poisson_mixed", shot.clamp(0, 1), tolerance);
        shot = Poisson(colour, ("poisson_counts", "poisson_color_counts2"));
        c.AssertOutput("poisson_color_only", shot.clamp(0, 1), tolerance);
        c.AssertOutput("poisson_vals_color", Noise.FullCounts(image), 0);
        c.AssertOutput("poisson_vals_gray", Noise.FullCounts(Noise.Grey(image)), 0);
        c.AssertOutput("gray_image", Noise.Grey(image), tolerance);
    }

    [FixtureKind("interpolate")]
    public static void Interpolate(FixtureCase c)
    {
        torch.Tensor image = c.Input("image");
        foreach (string name in c.OutputNames)
        {
            // MODE_scaleFACTOR, MODE_sizeHxW, or MODE_scaleFACTOR_upsample (every third pixel).
            string[] parts = name.Split('_');
            ResizeMode mode = Enum.Parse<ResizeMode>(parts[0], ignoreCase: true);
            torch.Tensor result;
            if (parts[1].StartsWith("scale", StringComparison.Ordinal))
            {
                result = Resize.ByFactor(image, double.Parse(parts[1].AsSpan(5), CultureInfo.InvariantCulture), mode);
            }
            else
            {
                long[] size = [.. parts[1][4..].Split('x').Select(s => long.Parse(s, CultureInfo.InvariantCulture))];
                result = Resize.ToSize(image, size[0], size[1], mode);
            }
            if (parts.Length > 2)
            {
                torch.TensorIndex third = torch.TensorIndex.Slice(step: 3);
                result = result[torch.TensorIndex.Ellipsis, third, third];
            }
            c.AssertOutput(name, result);
        }
    }

    [FixtureKind("paired_crop")]
    public static void Crop(FixtureCase c)
    {
        int[] corner = [.. c.Config.GetProperty("top_left_lq").EnumerateArray().Select(v => v.GetInt32())];
        (torch.Tensor lq, torch.Tensor gt) = PairedCrop.Cut(
            c.Input("lq"),
            c.Input("gt"),
            c.Config.GetProperty("gt_patch").GetInt32(),
            c.Config.GetProperty("scale").GetInt32(),
            LoggedDraws.Integers(c, corner)
        );
        c.AssertOutput("lq_crop", lq, 0);
        c.AssertOutput("gt_crop", gt, 0);
    }

    [FixtureKind("degrade_chain")]
    public static void Chain(FixtureCase c)
    {
        LoggedDraws draws = LoggedDraws.FromLog(c);
        var kernels = new DegradationKernels(c.Input("kernel1"), c.Input("kernel2"), c.Input("sinc_kernel"));
        (torch.Tensor lq, torch.Tensor gt) = new SecondOrderDegradation().Degrade(
            c.Input("gt"),
            kernels,
            draws,
            Settings(c.Config)
        );
        Assert.True(draws.Exhausted);
        // No float64 run is recorded; the sharpened image alone has usm_sharp's error.
        c.AssertOutput("gt", gt, 1e-5);

        torch.Tensor expected = c.Expected("lq");
        Assert.Equal(expected.shape, lq.shape);
        torch.Tensor difference = (lq - expected).abs().flatten();
        // A coefficient on a rounding boundary changes its 8x8 block; the mean and the 99.9% quantile stay, or move as far as
        // the reference's own output did under a perturbation at float noise.
        JsonElement noise = c.Description.GetProperty("perturbation_check");
        double mean = difference.mean().item<float>();
        double quantile = difference.quantile(torch.tensor(0.999f)).item<float>();
        Assert.InRange(mean, 0, Math.Max(1e-5, 3 * noise.GetProperty("mean_abs").GetDouble()));
        Assert.InRange(quantile, 0, Math.Max(1e-4, 3 * noise.GetProperty("q999_abs").GetDouble()));
    }

    private static DegradationSettings Settings(JsonElement config)
    {
        PassSettings Pass(PassSettings pass, string suffix)
        {
            double[] odds = Array("resize_prob" + suffix);
            return pass with
            {
                ResizeProbabilities = new(odds[0], odds[1], odds[2]),
                ResizeFactor = Range("resize_range" + suffix),
                GaussianProbability = config.GetProperty("gaussian_noise_prob" + suffix).GetDouble(),
                GaussianSigma = Range("noise_range" + suffix),
                PoissonScale = Range("poisson_scale_range" + suffix),
                GreyNoiseProbability = config.GetProperty("gray_noise_prob" + suffix).GetDouble(),
                JpegQuality = Range("jpeg_range" + suffix),
            };
        }
        double[] Array(string name) => [.. config.GetProperty(name).EnumerateArray().Select(v => v.GetDouble())];
        Interval Range(string name) => new(Array(name)[0], Array(name)[1]);

        DegradationSettings reference = DegradationSettings.Reference;
        return reference with
        {
            First = Pass(reference.First, ""),
            Second = Pass(reference.Second, "2") with
            {
                BlurProbability = config.GetProperty("second_blur_prob").GetDouble(),
            },
            NoDegradationProbability = config.GetProperty("no_degradation_prob").GetDouble(),
            GtSize = config.GetProperty("gt_size").GetInt32(),
            Scale = config.GetProperty("sf").GetInt32(),
            SharpenGt = config.GetProperty("use_usm").GetBoolean(),
            RoundLq = false,
        };
    }
}
