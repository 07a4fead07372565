using BenchmarkDotNet.Attributes;
using Coser.Networks.PreSr;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Bench;

/// <summary>The embedded pre-SR network on a 256 x 256 photo, against its floor: the same operations as one matmul.</summary>
public class PreSrBenchmarks
{
    // Multiply-adds of one input pixel: first layer, 16 blocks, two upsamplings, two layers at full size.
    private const double MultiplyAdds = 9.0 * 64 * (3 + 32 * 64 + 256 + 4 * 256 + 16 * 64 + 16 * 3);
    private const int Side = 256;
    private readonly Tensor _photo = rand(1, 3, Side, Side);
    private readonly MsrResNet _network = new(new MsrResNetConfig());
    private Tensor _left = zeros(0);
    private Tensor _right = zeros(0);

    [Params("fp32", "bf16")]
    public string Precision { get; set; } = "fp32";

    [GlobalSetup]
    public void SetUp()
    {
        ScalarType type = Precision == "bf16" ? bfloat16 : float32;
        _network.eval();
        _network.to(type);
        // [2048, k] x [k, 2048] with as many multiply-adds as the network has.
        long k = (long)(MultiplyAdds * Side * Side / 2048 / 2048);
        _left = randn(2048, k).to(type);
        _right = randn(k, 2048).to(type);
    }

    [Benchmark(Baseline = true, Description = "floor: one matmul")]
    public float Floor()
    {
        using var scope = NewDisposeScope();
        return _left.mm(_right)[0, 0].to(float32).item<float>();
    }

    [Benchmark(Description = "network")]
    public float Network()
    {
        using var scope = NewDisposeScope();
        using var inference = inference_mode();
        return _network.call(_photo)[0, 0, 0, 0].item<float>();
    }
}
