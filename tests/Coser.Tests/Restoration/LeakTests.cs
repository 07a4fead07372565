using Coser.Imaging;
using Coser.Restoration;
using static TorchSharp.torch;

namespace Coser.Tests.Restoration;

[Collection(ProcessWide.Name)]
public sealed class LeakTests : IDisposable
{
    private readonly SmallModel _small = new();

    public void Dispose() => _small.Dispose();

    [Fact]
    public void No_tensor_outlives_a_restoration_finished_cancelled_or_failed()
    {
        using SuperResolver resolver = SmallModel.Open(_small.Model());
        using (_small.Restore(resolver, new RestoreOptions { Tile = 20 })) { } // what is made once is made now
        // What other tests left to the finaliser must not be counted down meanwhile.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = Tensor.TotalCount;
        using (_small.Restore(resolver, new RestoreOptions { Tile = 20 })) { }
        Assert.Equal(before, Tensor.TotalCount);

        using var cancel = new CancellationTokenSource();
        using Photo photo = Photo.Open(_small.Photo);
        var steps = new List<RestoreProgress>();
        Assert.Throws<OperationCanceledException>(() =>
            resolver.Restore(
                photo,
                new RestoreOptions { Tile = 20 },
                new Immediately(p =>
                {
                    steps.Add(p);
                    cancel.Cancel();
                }),
                cancel.Token
            )
        );
        Assert.Equal(new RestoreProgress("pre-SR", 1, 6), Assert.Single(steps));
        Assert.Equal(before, Tensor.TotalCount);

        using SuperResolver broken = SmallModel.Open(_small.Model(spoil: w => w["conv_hr.weight"].fill_(double.NaN)));
        before = Tensor.TotalCount;
        Assert.Throws<RestorationException>(() => broken.Restore(photo));
        Assert.Equal(before, Tensor.TotalCount);
    }

    private sealed class Immediately(Action<RestoreProgress> report) : IProgress<RestoreProgress>
    {
        public void Report(RestoreProgress value) => report(value);
    }
}
