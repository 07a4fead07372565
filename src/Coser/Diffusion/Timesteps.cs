namespace Coser.Diffusion;

/// <summary>How a few timesteps are chosen among many.</summary>
public enum TimestepSpacing
{
    /// <summary>Evenly from 0 to the start, both included: the reference implementation's.</summary>
    Linspace,

    /// <summary>
    /// Evenly, the start included and 0 left out: with few steps none is spent where hardly any noise is left (Lin et al.,
    /// WACV 2024).
    /// </summary>
    Trailing,
}

/// <summary>The timesteps at which a sampler evaluates its network.</summary>
public static class Timesteps
{
    /// <summary>Chooses timesteps.</summary>
    /// <param name="count">How many, 1 to <paramref name="start"/> + 1.</param>
    /// <param name="start">The noisiest one, at least 0.</param>
    /// <returns>Rising, all different.</returns>
    /// <exception cref="ArgumentOutOfRangeException">More are asked for than there are.</exception>
    public static IReadOnlyList<int> Choose(int count, int start, TimestepSpacing spacing = TimestepSpacing.Linspace)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, start + 1);
        // A single step starts where sampling starts, not at the reference's 0.
        if (count == 1)
            return [start];
        double stride = spacing == TimestepSpacing.Linspace ? start / (count - 1.0) : (start + 1.0) / count;
        int first = spacing == TimestepSpacing.Linspace ? 0 : 1;
        int shift = spacing == TimestepSpacing.Linspace ? 0 : 1;
        // Summed, not multiplied, and halves to even: what the reference implementation does.
        var chosen = new int[count];
        double at = first * stride;
        for (int i = 0; i < count; i++, at += stride)
            chosen[i] = (int)Math.Round(at, MidpointRounding.ToEven) - shift;
        return chosen;
    }
}
