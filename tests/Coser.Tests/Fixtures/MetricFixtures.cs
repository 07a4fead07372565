using System.Globalization;
using Coser.Metrics.Niqe;
using Coser.Metrics.Sets;
using TorchSharp;

namespace Coser.Tests.Fixtures;

internal static class MetricFixtures
{
    [FixtureKind("frechet")]
    public static void Frechet(FixtureCase c)
    {
        foreach (string name in c.OutputNames)
        {
            string set = name[..name.IndexOf('_', StringComparison.Ordinal)];
            string other = name.EndsWith("_self", StringComparison.Ordinal) ? "a" : "b";
            torch.Tensor featuresA = c.Input($"{set}_feats_a");
            using FeatureStatistics a = FeatureStatistics.Of(featuresA);
            using FeatureStatistics b = FeatureStatistics.Of(c.Input($"{set}_feats_{other}"));
            using FeatureStatistics givenA = FeatureStatistics.Of(c.Input($"{set}_mu_a"), c.Input($"{set}_cov_a"), 0);
            using FeatureStatistics givenB = FeatureStatistics.Of(
                c.Input($"{set}_mu_{other}"),
                c.Input($"{set}_cov_{other}"),
                0
            );
            Close(givenA.Mean, a.Mean);
            Close(givenA.Covariance, a.Covariance);
            bool singular = featuresA.shape[0] < featuresA.shape[1];
            double size = Math.Max(
                Math.Abs(c.Expected(name).item<double>()),
                a.Covariance.trace().item<double>()
            );
            double tolerance = size * (singular ? 1e-3 : 1e-9);
            foreach (double distance in new[] { FrechetDistance.Compute(a, b), FrechetDistance.Compute(givenA, givenB) })
                c.AssertOutput(name, torch.tensor([distance], torch.float64), tolerance);
        }
    }

    [FixtureKind("niqe")]
    public static void Niqe(FixtureCase c)
    {
        double[] Numbers(string input) => [.. c.Input(input).contiguous().data<double>()];
        NiqePrior prior = NiqePrior.Of(
            "fixture",
            Numbers("mu_pris_param"),
            Numbers("cov_pris_param"),
            Numbers("gaussian_window")
        );
        for (int i = 0; c.HasInput($"image{i}_rgb_hwc"); i++)
        {
            torch.Tensor image = c.Input($"image{i}_rgb_hwc").permute(2, 0, 1).unsqueeze(0);
            NiqePlane plane = NaturalnessIndex.Plane(image, 0, 0);
            NiqePlane half = plane.Cut(plane.Height / 96 * 96, plane.Width / 96 * 96).Half();
            c.AssertOutput($"half_image{i}", torch.tensor(half.Values).view(half.Height, half.Width) / 255);
            c.AssertOutput(
                $"features{i}",
                NaturalnessIndex.Matrix(NiqeFeatures.Of(plane, prior.Block, prior.Window).Features)
            );
            foreach (int border in new[] { 0, 4 })
            {
                string name = string.Create(CultureInfo.InvariantCulture, $"niqe{i}_crop{border}");
                torch.Tensor value = torch.tensor(NaturalnessIndex.PerImage(image, prior, border), torch.float64);
                c.AssertOutput(name, value);
            }
        }
    }

    private static void Close(torch.Tensor expected, torch.Tensor actual) =>
        Assert.True(torch.allclose(expected.reshape(-1), actual.reshape(-1), 1e-10, 1e-12));
}
