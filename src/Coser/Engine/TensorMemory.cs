using TorchSharp;

namespace Coser.Engine;

/// <summary>Where a CPU tensor's elements lie; <c>Tensor.bytes</c> stops at 2 GiB.</summary>
internal static class TensorMemory
{
    /// <summary>Address of the first element of a dense CPU tensor that has at least one; valid while the tensor lives.</summary>
    public static unsafe byte* Address(torch.Tensor dense)
    {
        using torch.Tensor first = dense.view(-1).slice(0, 0, 1, 1);
        fixed (byte* start = first.bytes)
            return start;
    }
}
