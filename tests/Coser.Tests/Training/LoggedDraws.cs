using System.Text.Json;
using Coser.Tests.Fixtures;
using Coser.Training.Degradation;
using TorchSharp;

namespace Coser.Tests.Training;

/// <summary>Replays the decisions of a fixture in their order, and refuses any other order.</summary>
internal sealed class LoggedDraws(FixtureCase fixture, IEnumerable<(string Kind, JsonElement Value)> decisions)
    : IDegradationDraws
{
    private readonly Queue<(string Kind, JsonElement Value)> _left = new(decisions);

    public static LoggedDraws FromLog(FixtureCase fixture) =>
        new(
            fixture,
            fixture.Description.GetProperty("decisions").EnumerateArray().Select(d => (d[0].GetString()!, d[1]))
        );

    /// <summary>Tensors only, each the input of that name.</summary>
    public static LoggedDraws Tensors(FixtureCase fixture, params (string Kind, string Input)[] draws) =>
        new(fixture, draws.Select(d => (d.Kind, JsonSerializer.SerializeToElement(d.Input))));

    public static LoggedDraws Integers(FixtureCase fixture, params int[] values) =>
        new(fixture, values.Select(v => ("randint", JsonSerializer.SerializeToElement(v))));

    public bool Exhausted => _left.Count == 0;

    public double Random() => Next("random").GetDouble();

    public double Uniform(double low, double high)
    {
        double value = Next("uniform").GetDouble();
        Assert.InRange(value, low, high);
        return value;
    }

    public T Choice<T>(IReadOnlyList<T> items) => Named(items, Next("choice").GetString()!);

    public T Choices<T>(IReadOnlyList<T> items, IReadOnlyList<double> weights) =>
        Named(items, Next("choices").GetString()!);

    public int RandInt(int low, int high)
    {
        int value = Next("randint").GetInt32();
        Assert.InRange(value, low, high);
        return value;
    }

    public torch.Tensor Rand(params ReadOnlySpan<long> shape) => Stored("rand", shape.ToArray());

    public torch.Tensor RandN(params ReadOnlySpan<long> shape) => Stored("randn", shape.ToArray());

    public torch.Tensor Poisson(torch.Tensor rates) => Stored("poisson_counts", rates.shape);

    public torch.Tensor JpegQuality(long count, double low, double high) => Stored("jpeg_quality", [count]);

    private torch.Tensor Stored(string kind, long[] shape)
    {
        torch.Tensor draw = fixture.Input(Next(kind).GetString()!);
        Assert.Equal(shape, draw.shape);
        return draw;
    }

    private JsonElement Next(string kind)
    {
        (string logged, JsonElement value) = _left.Dequeue();
        Assert.Equal(logged, kind);
        return value;
    }

    private static T Named<T>(IReadOnlyList<T> items, string name) =>
        items.Single(i => string.Equals(i!.ToString(), name, StringComparison.OrdinalIgnoreCase));
}
