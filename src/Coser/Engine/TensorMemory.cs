using TorchSharp;

namespace Coser.Engine;

/// <summary>Where a CPU tensor's elements lie; <c>Tensor.bytes</c> stops at 2 GiB.</summary>
internal static class TensorMemory
{
    private const int CacheLine = 64;

    /// <summary>Whether a dense CPU tensor starts at a multiple of 64 bytes, as those do that the engine makes.</summary>
    public static unsafe bool IsAligned(torch.Tensor dense) =>
        dense.numel() == 0 || (ulong)Address(dense) % CacheLine == 0;

    /// <summary>Address of the first element of a dense CPU tensor that has at least one; valid while the tensor lives.</summary>
    public static unsafe byte* Address(torch.Tensor dense)
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor first = dense.view(-1).slice(0, 0, 1, 1);
        fixed (byte* start = first.bytes)
            return start;
    }
}
