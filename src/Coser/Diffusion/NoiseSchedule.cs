using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Diffusion;

/// <summary>
/// Signal and noise at every step of a diffusion process (Ho et al., NeurIPS 2020): z_t = alpha_t * clean + sigma_t * noise.
/// Either the whole process, or one that was respaced to fewer of its steps.
/// </summary>
public sealed class NoiseSchedule
{
    private NoiseSchedule(IReadOnlyList<int> timesteps, ScheduleTables tables) =>
        (Timesteps, Tables) = (timesteps, tables);

    /// <summary>Of every step, the timestep the network knows it by, rising.</summary>
    public IReadOnlyList<int> Timesteps { get; }

    /// <summary>Number of steps.</summary>
    public int Count => Timesteps.Count;

    /// <summary>The numbers of every step.</summary>
    public ScheduleTables Tables { get; }

    /// <summary>The whole process: variances whose roots are evenly spaced, in float64, kept as float32.</summary>
    /// <exception cref="ArgumentException">Fewer than two steps, or variances that are not 0 &lt; start &lt; end &lt; 1.</exception>
    public static NoiseSchedule Create(DiffusionConfig config)
    {
        int count = config.Timesteps;
        if (count < 2 || !(config.LinearStart > 0 && config.LinearStart < config.LinearEnd && config.LinearEnd < 1))
            throw new ArgumentException(
                "a schedule needs at least 2 timesteps and 0 < linear_start < linear_end < 1",
                nameof(config)
            );
        double first = Math.Sqrt(config.LinearStart);
        double stride = (Math.Sqrt(config.LinearEnd) - first) / (count - 1);
        double[] betas = [.. Enumerable.Range(0, count).Select(i => Math.Pow(first + i * stride, 2))];
        return new NoiseSchedule([.. Enumerable.Range(0, count)], ScheduleTables.From(betas));
    }

    /// <summary>
    /// The process restricted to some of its steps. As in the reference implementation the variances come from the float32
    /// table and stay float32.
    /// </summary>
    /// <param name="timesteps">Rising, each below <see cref="Count"/>.</param>
    /// <exception cref="ArgumentException">They are not.</exception>
    public NoiseSchedule Respace(IReadOnlyList<int> timesteps)
    {
        bool rising = timesteps.Zip(timesteps.Skip(1)).All(p => p.First < p.Second);
        if (timesteps.Count == 0 || !rising || timesteps[0] < 0 || timesteps[^1] >= Count)
            throw new ArgumentException($"timesteps must rise from 0 to at most {Count - 1}", nameof(timesteps));
        float last = 1;
        var betas = new float[timesteps.Count];
        foreach ((int i, int t) in timesteps.Index())
        {
            betas[i] = 1 - Tables.AlphasCumprod[t] / last;
            last = Tables.AlphasCumprod[t];
        }
        return new NoiseSchedule([.. timesteps.Select(t => Timesteps[t])], ScheduleTables.From(betas));
    }

    /// <summary>alpha_t * clean + sigma_t * noise, each sample at its own step.</summary>
    /// <param name="clean">[B,C,h,w].</param>
    /// <param name="noise">Standard normal, same shape.</param>
    /// <param name="steps">[B], int64, below <see cref="Count"/>.</param>
    public Tensor AddNoise(Tensor clean, Tensor noise, Tensor steps)
    {
        using var scope = NewDisposeScope();
        (Tensor alpha, Tensor sigma) = At(steps, clean);
        return (alpha * clean + sigma * noise).MoveToOuterDisposeScope();
    }

    /// <summary>alpha_t and sigma_t of each sample, [B,1,1,1], type and device of <paramref name="like"/>.</summary>
    public (Tensor Alpha, Tensor Sigma) At(Tensor steps, Tensor like)
    {
        return (Look(Tables.SqrtAlphasCumprod), Look(Tables.SqrtOneMinusAlphasCumprod));

        Tensor Look(float[] table)
        {
            using var scope = NewDisposeScope();
            return tensor(table, device: like.device)
                .index_select(0, steps.to(like.device))
                .to(like.dtype)
                .reshape(-1, 1, 1, 1)
                .MoveToOuterDisposeScope();
        }
    }
}

/// <summary>Tables of a schedule under the names of the reference implementation's buffers, one number a step, float32.</summary>
public sealed class ScheduleTables
{
    private ScheduleTables() { }

    /// <summary>Variance of the noise a step adds.</summary>
    public required float[] Betas { get; init; }

    /// <summary>alpha_t squared.</summary>
    public required float[] AlphasCumprod { get; init; }

    /// <summary>The same of the step before; 1 for the first.</summary>
    public required float[] AlphasCumprodPrev { get; init; }

    /// <summary>alpha_t.</summary>
    public required float[] SqrtAlphasCumprod { get; init; }

    /// <summary>sigma_t.</summary>
    public required float[] SqrtOneMinusAlphasCumprod { get; init; }

    /// <summary>2 log(sigma_t).</summary>
    public required float[] LogOneMinusAlphasCumprod { get; init; }

    /// <summary>1 / alpha_t.</summary>
    public required float[] SqrtRecipAlphasCumprod { get; init; }

    /// <summary>sigma_t / alpha_t.</summary>
    public required float[] SqrtRecipm1AlphasCumprod { get; init; }

    /// <summary>Variance of z_{t-1} given z_t and the clean latent.</summary>
    public required float[] PosteriorVariance { get; init; }

    /// <summary>Its logarithm; the first step's 0 counts as 1e-20.</summary>
    public required float[] PosteriorLogVarianceClipped { get; init; }

    /// <summary>Weight of the clean latent in the mean of z_{t-1}.</summary>
    public required float[] PosteriorMeanCoef1 { get; init; }

    /// <summary>Weight of z_t in it.</summary>
    public required float[] PosteriorMeanCoef2 { get; init; }

    /// <summary>All tables from variances, in their own arithmetic; the posterior's mix in float64, as numpy does.</summary>
    internal static ScheduleTables From<T>(T[] betas)
        where T : struct, IFloatingPointIeee754<T>
    {
        int count = betas.Length;
        var product = new T[count];
        for (int i = 0; i < count; i++)
            product[i] = (T.One - betas[i]) * (i == 0 ? T.One : product[i - 1]);
        double[] before = [1, .. product.SkipLast(1).Select(double.CreateChecked)];
        T[] rest = [.. product.Select(p => T.One - p)];
        double[] variance = [.. Steps(i => Wide(betas[i]) * (1 - before[i]) / Wide(rest[i]))];
        return new ScheduleTables
        {
            Betas = Table(i => Wide(betas[i])),
            AlphasCumprod = Table(i => Wide(product[i])),
            AlphasCumprodPrev = Table(i => before[i]),
            SqrtAlphasCumprod = Table(i => Wide(T.Sqrt(product[i]))),
            SqrtOneMinusAlphasCumprod = Table(i => Wide(T.Sqrt(rest[i]))),
            LogOneMinusAlphasCumprod = Table(i => Wide(T.Log(rest[i]))),
            SqrtRecipAlphasCumprod = Table(i => Wide(T.Sqrt(T.One / product[i]))),
            SqrtRecipm1AlphasCumprod = Table(i => Wide(T.Sqrt(T.One / product[i] - T.One))),
            PosteriorVariance = Table(i => variance[i]),
            PosteriorLogVarianceClipped = Table(i => Math.Log(Math.Max(variance[i], 1e-20))),
            PosteriorMeanCoef1 = Table(i => Wide(betas[i]) * Math.Sqrt(before[i]) / Wide(rest[i])),
            PosteriorMeanCoef2 = Table(i => (1 - before[i]) * Wide(T.Sqrt(T.One - betas[i])) / Wide(rest[i])),
        };

        static double Wide(T value) => double.CreateChecked(value);

        IEnumerable<double> Steps(Func<int, double> value) => Enumerable.Range(0, count).Select(value);

        float[] Table(Func<int, double> value) => [.. Steps(value).Select(v => (float)v)];
    }
}
