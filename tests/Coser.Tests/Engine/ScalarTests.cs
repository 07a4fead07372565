using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Tests.Engine;

/// <summary>The patch of TorchSharp's finaliser (build/PatchTorchSharp.cs) is in what runs.</summary>
[Collection(ProcessWide.Name)] // what another test collects by force would be collected under its hands
public sealed class ScalarTests
{
    [Fact]
    public void A_temporary_scalar_outlives_a_collection()
    {
        WeakReference scalar = Abandon();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect(1);
        // As NuGet has it, the first collection ran the finaliser and the second freed the object.
        Assert.True(scalar.IsAlive);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.False(scalar.IsAlive);
    }

    [Fact]
    public void Numbers_in_use_survive_collections_on_another_thread()
    {
        using var stop = new CancellationTokenSource();
        var collector = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                GC.Collect(0);
                GC.WaitForPendingFinalizers();
            }
        });
        collector.Start();
        try
        {
            using var scope = NewDisposeScope();
            Tensor one = ones(64, dtype: bfloat16);
            for (int i = 0; i < 5000; i++)
            {
                using var inner = NewDisposeScope();
                Assert.Equal(6f, ((one + one) * 3).to(float32).mean().item<float>());
            }
        }
        finally
        {
            stop.Cancel();
            collector.Join();
        }
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static WeakReference Abandon() => new(1.5.ToScalar(), trackResurrection: true);
}
