using Coser.Checkpoints;
using Coser.Metrics.Sets;
using static TorchSharp.torch;

namespace Coser.Tests.Metrics;

public sealed class SetMetricTests
{
    [Fact]
    public void Independent_gaussians_have_a_closed_form()
    {
        using var scope = NewDisposeScope();
        double[] means = [1, -2, 0.5];
        double[] first = [4, 1, 0];
        double[] second = [1, 9, 2];
        using FeatureStatistics a = FeatureStatistics.Of(zeros(3, float64), diag(tensor(first)), 0);
        using FeatureStatistics b = FeatureStatistics.Of(tensor(means), diag(tensor(second)), 0);
        double expected = means.Sum(m => m * m);
        for (int i = 0; i < 3; i++)
            expected += Math.Pow(Math.Sqrt(first[i]) - Math.Sqrt(second[i]), 2);
        Assert.Equal(expected, FrechetDistance.Compute(a, b), 9);
    }

    [Fact]
    public void Few_vectors_give_what_their_covariances_give()
    {
        using var scope = NewDisposeScope();
        using FeatureStatistics a = FeatureStatistics.Of(Draw.Normal(1, 6, 20).to(float64));
        using FeatureStatistics b = FeatureStatistics.Of(Draw.Normal(2, 9, 20).to(float64) + 0.5);
        using FeatureStatistics plainA = FeatureStatistics.Of(a.Mean, a.Covariance, a.Count);
        using FeatureStatistics plainB = FeatureStatistics.Of(b.Mean, b.Covariance, b.Count);
        double exact = FrechetDistance.Compute(a, b);
        // Roots of eigenvalues that are 0 but for rounding limit the way by covariances.
        Assert.Equal(exact, FrechetDistance.Compute(plainA, plainB), exact * 1e-6);
        Assert.Equal(0, FrechetDistance.Compute(a, a), 1e-9);
        Assert.Equal(exact, FrechetDistance.Compute(b, a), exact * 1e-12);
    }

    [Fact]
    public void Statistics_come_back_from_their_file()
    {
        using var folder = new TemporaryFolder();
        using FeatureStatistics a = FeatureStatistics.Of(Draw.Normal(3, 30, 5));
        using FeatureStatistics b = FeatureStatistics.Of(Draw.Normal(4, 40, 5));
        string file = folder.File("a.safetensors");
        a.Save(file);
        using FeatureStatistics again = FeatureStatistics.Load(file);
        Assert.Equal(30, again.Count);
        Assert.Equal(FrechetDistance.Compute(a, b), FrechetDistance.Compute(again, b), 1e-9);
    }

    [Fact]
    public void What_is_no_set_is_refused()
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        Assert.Throws<ArgumentException>(() => FeatureStatistics.Of(ones(1, 4)));
        Assert.Throws<ArgumentException>(() => FeatureStatistics.Of(full([2, 4], double.NaN)));
        Assert.Throws<ArgumentException>(() => FeatureStatistics.Of(ones(3), ones(4, 4), 0));
        using FeatureStatistics four = FeatureStatistics.Of(Draw.Normal(5, 3, 4));
        using FeatureStatistics five = FeatureStatistics.Of(Draw.Normal(6, 3, 5));
        Assert.Throws<ArgumentException>(() => FrechetDistance.Compute(four, five));
        string other = folder.File("other.safetensors");
        SafetensorsWriter.Write(other, new Dictionary<string, Tensor>(StringComparer.Ordinal) { ["mean"] = ones(2) });
        Assert.Throws<CheckpointException>(() => FeatureStatistics.Load(other));
    }
}
