using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests;

/// <summary>Random tensors from a seed of their own: a test sees the same numbers on every run, whatever runs beside it.</summary>
internal static class Draw
{
    /// <summary>Uniform in [0,1), float32.</summary>
    public static Tensor Uniform(long seed, params long[] size) =>
        Seeded(seed, generator => rand(size, generator: generator));

    /// <summary>Standard normal, float32.</summary>
    public static Tensor Normal(long seed, params long[] size) =>
        Seeded(seed, generator => randn(size, generator: generator));

    private static Tensor Seeded(long seed, Func<Generator, Tensor> draw)
    {
        using var generator = new Generator((ulong)seed, CPU);
        return draw(generator);
    }
}
