using BenchmarkDotNet.Attributes;
using Coser.Training.Degradation;
using static TorchSharp.torch;

namespace Coser.Bench;

/// <summary>One training sample's degradation, one thread, as the prefetcher runs it.</summary>
public class DegradationBenchmarks
{
    private readonly SecondOrderDegradation _degradation = new();
    private readonly DegradationSettings _settings = DegradationSettings.Reference with { GtSize = null };
    private Tensor _photo = zeros(0);
    private ulong _seed;

    [Params(176, 512)]
    public int Side { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        set_num_threads(1);
        _photo = rand(1, 3, Side, Side);
    }

    [Benchmark]
    public long Sample()
    {
        using var scope = NewDisposeScope();
        using var draws = new SeededDraws(_seed++);
        return _degradation.Degrade(_photo, draws, _settings).Lq.shape[2];
    }
}
