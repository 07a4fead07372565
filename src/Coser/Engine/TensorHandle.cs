using System.Runtime.CompilerServices;
using TorchSharp;

namespace Coser.Engine;

/// <summary>Exchanges what is behind a managed tensor.</summary>
internal static class TensorHandle
{
    /// <summary>
    /// Lets <paramref name="target"/> stand for the native tensor of <paramref name="source"/>, which is empty afterwards.
    /// A module keeps its parameters in fields, in lists and in its children; all hold the same managed object, so none is
    /// left behind. TorchSharp's own ways do not lead from the META device to another: <c>copy_</c> and <c>set_</c> refuse,
    /// <c>to()</c> has no values to bring along.
    /// </summary>
    public static void Take(torch.Tensor target, torch.Tensor source)
    {
        source.DetachFromDisposeScope();
        IntPtr before = target.Handle;
        Handle(target) = source.DecoupleFromNativeHandle();
        torch.Tensor.UnsafeCreateTensor(before).Dispose();
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "handle")]
    private static extern ref IntPtr Handle(torch.Tensor tensor);
}
