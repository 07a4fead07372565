using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Diffusion;

/// <summary>
/// Noise as a function of (seed, purpose, step): no generator has a state that would have to be saved, and neither the order
/// of photos nor the number of workers nor the batch changes a sample's noise. Drawn on the CPU, so that devices agree.
/// </summary>
/// <param name="seed">The sample's seed.</param>
/// <param name="purpose">What the noise is for, e.g. "start", "reference", "sr".</param>
public sealed class SeededNoise(ulong seed, string purpose)
{
    /// <summary>Standard normal noise for a step.</summary>
    /// <param name="like">Gives shape and device; batches of one.</param>
    /// <returns>Float32.</returns>
    public Tensor Draw(Tensor like, int step)
    {
        using var scope = NewDisposeScope();
        using var generator = new Generator(Mix(step));
        return randn(like.shape, dtype: float32, generator: generator).to(like.device).MoveToOuterDisposeScope();
    }

    private ulong Mix(int step)
    {
        byte[] text = Encoding.UTF8.GetBytes($"{seed}/{purpose}/{step}");
        return BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(text));
    }
}
