using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Diffusion;

/// <summary>Where a restoration's random numbers come from.</summary>
public interface INoise
{
    /// <summary>Standard normal noise.</summary>
    /// <param name="purpose">What it is for; a purpose has noise of its own.</param>
    /// <param name="shaped">Gives shape [1,C,h,w] and device.</param>
    /// <param name="index">The sampler's step.</param>
    /// <returns>Float32.</returns>
    Tensor Draw(string purpose, Tensor shaped, int index);
}

/// <summary>
/// Noise as a function of (seed, purpose, step): no generator has a state that would have to be saved, and neither the order
/// of photos nor the number of workers nor the batch changes a sample's noise. Drawn on the CPU, so that devices agree.
/// </summary>
/// <param name="seed">The sample's seed.</param>
public sealed class SeededNoise(long seed) : INoise
{
    /// <inheritdoc/>
    public Tensor Draw(string purpose, Tensor shaped, int index)
    {
        using var scope = NewDisposeScope();
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{seed}/{purpose}/{index}"));
        using var generator = new Generator(BinaryPrimitives.ReadUInt64LittleEndian(hash));
        return randn(shaped.shape, dtype: float32, generator: generator).to(shaped.device).MoveToOuterDisposeScope();
    }
}
