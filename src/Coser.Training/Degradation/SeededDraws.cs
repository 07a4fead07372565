using System.Numerics;
using TorchSharp;

namespace Coser.Training.Degradation;

/// <summary>
/// Draws from a seed alone. Numbers come from xoshiro256** (Blackman and Vigna, 2018) seeded through SplitMix64, so they are
/// the same on every version of .NET; tensors come from a libtorch generator of their own. The global seed is neither used
/// nor moved.
/// </summary>
public sealed class SeededDraws : IDegradationDraws, IDisposable
{
    private readonly torch.Generator _tensors;
    private ulong _s0;
    private ulong _s1;
    private ulong _s2;
    private ulong _s3;

    /// <summary>Draws that depend on <paramref name="seed"/> only.</summary>
    public SeededDraws(ulong seed)
    {
        _s0 = SplitMix(ref seed);
        _s1 = SplitMix(ref seed);
        _s2 = SplitMix(ref seed);
        _s3 = SplitMix(ref seed);
        _tensors = new torch.Generator(Next());
    }

    /// <summary>
    /// Draws of sample <paramref name="sample"/> in epoch <paramref name="epoch"/> of the run with <paramref name="seed"/>:
    /// the same whatever was drawn before, in whatever thread.
    /// </summary>
    public static SeededDraws ForSample(ulong seed, long epoch, long sample)
    {
        ulong state = seed;
        state = SplitMix(ref state) + (ulong)epoch;
        state = SplitMix(ref state) + (ulong)sample;
        return new SeededDraws(SplitMix(ref state));
    }

    /// <inheritdoc/>
    public double Random() => (Next() >> 11) * (1.0 / (1UL << 53));

    /// <inheritdoc/>
    public double Uniform(double low, double high) => low + (high - low) * Random();

    /// <inheritdoc/>
    public T Choice<T>(IReadOnlyList<T> items)
    {
        ArgumentNullException.ThrowIfNull(items);
        return items[RandInt(0, items.Count - 1)];
    }

    /// <inheritdoc/>
    public T Choices<T>(IReadOnlyList<T> items, IReadOnlyList<double> weights)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(weights);
        double left = Random() * weights.Sum();
        int last = 0;
        for (int i = 0; i < items.Count; i++)
        {
            if (weights[i] <= 0)
                continue;
            last = i;
            left -= weights[i];
            if (left < 0)
                break;
        }
        return items[last];
    }

    /// <inheritdoc/>
    public int RandInt(int low, int high)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(high, low);
        // The high half of a 64x64-bit product; its bias is 2^-32 at most.
        return (int)(low + (long)Math.BigMul(Next(), (ulong)((long)high - low + 1), out _));
    }

    /// <inheritdoc/>
    public torch.Tensor Rand(params ReadOnlySpan<long> shape) =>
        torch.rand(shape.ToArray(), dtype: torch.float32, generator: _tensors);

    /// <inheritdoc/>
    public torch.Tensor RandN(params ReadOnlySpan<long> shape) =>
        torch.randn(shape.ToArray(), dtype: torch.float32, generator: _tensors);

    /// <inheritdoc/>
    public torch.Tensor Poisson(torch.Tensor rates) => torch.poisson(rates, _tensors);

    /// <inheritdoc/>
    public torch.Tensor JpegQuality(long count, double low, double high)
    {
        using torch.Tensor unit = Rand(count);
        return unit * (high - low) + low;
    }

    /// <summary>Frees the generator of the tensors.</summary>
    public void Dispose() => _tensors.Dispose();

    private ulong Next()
    {
        ulong result = BitOperations.RotateLeft(_s1 * 5, 7) * 9;
        ulong t = _s1 << 17;
        _s2 ^= _s0;
        _s3 ^= _s1;
        _s1 ^= _s2;
        _s0 ^= _s3;
        _s2 ^= t;
        _s3 = BitOperations.RotateLeft(_s3, 45);
        return result;
    }

    private static ulong SplitMix(ref ulong state)
    {
        state += 0x9E3779B97F4A7C15;
        ulong z = state;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
        z = (z ^ z >> 27) * 0x94D049BB133111EB;
        return z ^ z >> 31;
    }
}
