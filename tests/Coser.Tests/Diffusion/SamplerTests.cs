using Coser.Diffusion;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Diffusion;

/// <summary>Normally distributed data has an exact denoiser and an exact path: what samplers should find is known.</summary>
public sealed class SamplerTests : IDisposable
{
    private const double Mean = 0.7;
    private const double Deviation = 0.4;
    private static readonly NoiseSchedule Process = NoiseSchedule.Create(new DiffusionConfig());
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(PredictionKind.Epsilon)]
    [InlineData(PredictionKind.Velocity)]
    [InlineData(PredictionKind.Sample)]
    public void Every_parametrisation_gives_the_same_estimate(PredictionKind kind)
    {
        NoiseSchedule schedule = Process.Respace([3, 400, 999]);
        Tensor clean = Draw.Normal(1, 2, 3, 4, 4);
        Tensor noise = Draw.Normal(2, 2, 3, 4, 4);
        foreach (int index in new[] { 0, 1 })
        {
            Tensor steps = full([2], schedule.Timesteps[index], dtype: int64);
            Tensor noisy = Process.AddNoise(clean, noise, steps);
            Tensor target = Denoiser.Target(kind, Process, clean, noise, steps);
            IDenoiser denoiser = Denoiser.Create(
                kind,
                (z, t) =>
                {
                    Assert.Same(noisy, z);
                    Assert.Equal(schedule.Timesteps[index], t);
                    return target.alias();
                }
            );
            Assert.True(denoiser.Denoise(noisy, schedule, index).allclose(clean, rtol: 1e-3, atol: 1e-3));
        }
    }

    [Theory]
    [InlineData(SamplerKind.Ddim, 200, 0.01)]
    [InlineData(SamplerKind.Dpm, 20, 0.02)]
    public void Deterministic_samplers_follow_the_exact_path(SamplerKind kind, int steps, double tolerance)
    {
        Tensor start = Draw.Normal(3, 1, 1, 32, 32);
        Assert.InRange(Error(kind, start, steps), 0, tolerance);
    }

    [Fact]
    public void The_second_order_pays_off()
    {
        Tensor start = Draw.Normal(4, 1, 1, 32, 32);
        foreach (int steps in new[] { 8, 15, 20, 40 })
            Assert.InRange(Error(SamplerKind.Dpm, start, steps) / Error(SamplerKind.Ddim, start, steps), 0, 0.5);
        // Halving the steps costs a second-order method about four times the error, a first-order one twice.
        Assert.InRange(Error(SamplerKind.Dpm, start, 20) / Error(SamplerKind.Dpm, start, 40), 2.8, 6);
        Assert.InRange(Error(SamplerKind.Ddim, start, 20) / Error(SamplerKind.Ddim, start, 40), 1.6, 2.6);
    }

    [Theory]
    [InlineData(SamplerKind.Ddpm, 200)]
    [InlineData(SamplerKind.Ddim, 200)]
    [InlineData(SamplerKind.Dpm, 25)]
    [InlineData(SamplerKind.DpmSde, 50)]
    public void Samples_have_the_distribution_of_the_data(SamplerKind kind, int steps)
    {
        using var generator = new Generator(7);
        Tensor start = randn([1, 1, 128, 128], generator: generator);
        Tensor sample = Sample(Samplers.Create(kind), start, steps);
        Assert.InRange(sample.mean().item<float>(), Mean - 0.02, Mean + 0.02);
        Assert.InRange(sample.std().item<float>(), Deviation - 0.025, Deviation + 0.025);
    }

    [Theory]
    [InlineData(SamplerKind.Ddpm)]
    [InlineData(SamplerKind.Ddim)]
    [InlineData(SamplerKind.Dpm)]
    [InlineData(SamplerKind.DpmSde)]
    public void A_state_that_was_put_away_goes_on_to_the_same_latent(SamplerKind kind)
    {
        Tensor start = Draw.Normal(5, 1, 2, 8, 8);
        Tensor whole = Sample(Samplers.Create(kind), start, 6);
        NoiseSchedule schedule = Spaced(6);
        var state = new SamplerState(start, schedule.Count - 1);
        for (int i = 0; i < 3; i++)
            state = Samplers.Create(kind).Advance(Exact, schedule, state, Noise(start));
        var copy = new SamplerState(state.Latent.clone(), state.Step, state.PreviousClean?.clone());
        while (!copy.IsFinished)
            copy = Samplers.Create(kind).Advance(Exact, schedule, copy, Noise(start));
        Assert.Equal(whole.bytes.ToArray(), copy.Latent.bytes.ToArray());
    }

    [Theory]
    [InlineData(SamplerKind.Ddpm)]
    [InlineData(SamplerKind.DpmSde)]
    public void A_step_leaves_no_tensor_but_its_state(SamplerKind kind)
    {
        Tensor start = Draw.Normal(6, 1, 2, 8, 8);
        NoiseSchedule schedule = Spaced(4);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (SamplerState first = Samplers.Create(kind).Advance(Exact, schedule, new(start, 3), Noise(start)))
        using (SamplerState _ = Samplers.Create(kind).Advance(Exact, schedule, first, Noise(start))) { }
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Guidance_of_one_never_asks_the_negative_side()
    {
        Tensor positive = full([1], 3f);
        Assert.Equal(
            3,
            Guidance.Combine(1, () => positive.alias(), () => throw new InvalidOperationException()).item<float>()
        );
        Assert.Equal(7, Guidance.Combine(3, () => positive.alias(), () => full([1], 1f)).item<float>());
    }

    [Theory]
    [InlineData(4, 999, TimestepSpacing.Linspace, new[] { 0, 333, 666, 999 })]
    [InlineData(4, 999, TimestepSpacing.Trailing, new[] { 249, 499, 749, 999 })]
    [InlineData(1, 600, TimestepSpacing.Linspace, new[] { 600 })]
    [InlineData(3, 2, TimestepSpacing.Trailing, new[] { 0, 1, 2 })]
    public void Timesteps_end_where_sampling_starts(int count, int start, TimestepSpacing spacing, int[] expected) =>
        Assert.Equal(expected, Timesteps.Choose(count, start, spacing));

    [Fact]
    public void Every_count_of_timesteps_rises()
    {
        foreach (TimestepSpacing spacing in Enum.GetValues<TimestepSpacing>())
        {
            for (int count = 1; count <= 100; count++)
            {
                IReadOnlyList<int> timesteps = Timesteps.Choose(count, 99, spacing);
                Assert.Equal(count, timesteps.Count);
                Assert.Equal(99, timesteps[^1]);
                Assert.All(timesteps.Zip(timesteps.Skip(1)), p => Assert.True(p.First < p.Second));
            }
        }
        Assert.Throws<ArgumentOutOfRangeException>(() => Timesteps.Choose(101, 99));
        Assert.Throws<ArgumentException>(() => Process.Respace([5, 5]));
        Assert.Throws<ArgumentException>(() => Process.Respace([0, 1000]));
    }

    [Fact]
    public void Noise_depends_on_seed_purpose_and_step_alone()
    {
        Tensor shape = empty(1, 2, 16, 16);
        float[] first = Values(1, "sr", 5);
        Assert.Equal(first, Values(1, "sr", 5));
        foreach (float[] other in new[] { Values(2, "sr", 5), Values(1, "start", 5), Values(1, "sr", 6) })
            Assert.InRange(Correlation(first, other), -0.2, 0.2);

        float[] Values(long seed, string purpose, int step) =>
            [.. new SeededNoise(seed).Draw(purpose, shape, step).data<float>()];
    }

    private static double Correlation(float[] a, float[] b) =>
        a.Zip(b, (x, y) => (double)x * y).Sum() / Math.Sqrt(a.Sum(x => (double)x * x) * b.Sum(y => (double)y * y));

    private static NoiseSchedule Spaced(int steps) => Process.Respace(Timesteps.Choose(steps, Process.Count - 1));

    // E[clean | z] of normally distributed data.
    private static IDenoiser Exact { get; } = new Normal();

    private static Func<int, Tensor> Noise(Tensor like) => step => new SeededNoise(3).Draw("test", like, step);

    private static Tensor Sample(ISampler sampler, Tensor start, int steps)
    {
        NoiseSchedule schedule = Spaced(steps);
        var state = new SamplerState(start, schedule.Count - 1);
        while (!state.IsFinished)
            state = sampler.Advance(Exact, schedule, state, Noise(start));
        return state.Latent;
    }

    // Root mean square distance from the end of the exact path, on which the standardised latent never changes.
    private static double Error(SamplerKind kind, Tensor start, int steps)
    {
        float alpha = Process.Tables.SqrtAlphasCumprod[^1];
        float sigma = Process.Tables.SqrtOneMinusAlphasCumprod[^1];
        double spread = Math.Sqrt(Math.Pow(alpha * Deviation, 2) + sigma * sigma);
        Tensor exact = Mean + Deviation / spread * (start - alpha * Mean);
        return (Sample(Samplers.Create(kind), start, steps) - exact).square().mean().sqrt().item<float>();
    }

    private sealed class Normal : IDenoiser
    {
        public Tensor Denoise(Tensor noisy, NoiseSchedule schedule, int index)
        {
            using var scope = NewDisposeScope();
            double alpha = schedule.Tables.SqrtAlphasCumprod[index];
            double sigma = schedule.Tables.SqrtOneMinusAlphasCumprod[index];
            double variance = Deviation * Deviation;
            double gain = alpha * variance / (alpha * alpha * variance + sigma * sigma);
            return (Mean + gain * (noisy - alpha * Mean)).MoveToOuterDisposeScope();
        }
    }
}
