using System.Text.Json;
using Coser.Checkpoints;
using Coser.Tests.Checkpoints;
using static TorchSharp.torch;

namespace Coser.Bench;

/// <summary>Full-size checkpoints in the published layouts, their numbers random, written tensor by tensor.</summary>
internal static class RandomCheckpoints
{
    /// <summary>Writes the file that a manifest describes, safetensors or PyTorch (<c>.ckpt</c>).</summary>
    /// <param name="manifest">JSON with <c>tensors</c>: key, shape and type of each.</param>
    public static void Write(string path, string manifest, ScalarType type)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(manifest));
        using var generator = new Generator(1);
        PendingTensor[] tensors =
        [
            .. document
                .RootElement.GetProperty("tensors")
                .EnumerateArray()
                .Select(t =>
                {
                    string key = t.GetProperty("key").GetString()!;
                    long[] shape = [.. t.GetProperty("shape").EnumerateArray().Select(s => s.GetInt64())];
                    ScalarType to = t.GetProperty("dtype").GetString() == "int64" ? ScalarType.Int64 : type;
                    return new PendingTensor(key, ElementType.Of(to), shape, () => Make(key, shape, to, generator));
                }),
        ];
        if (Path.GetExtension(path) == ".ckpt")
            PyTorchZipWriter.Write(path, tensors);
        else
            SafetensorsWriter.Write(path, tensors);
    }

    // As an initialisation: variance 1 / fan-in, norms at 1, biases small, so that activations stay finite.
    private static Tensor Make(string key, long[] shape, ScalarType type, Generator generator)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        if (type == ScalarType.Int64)
            return arange(shape[^1]).reshape(shape).MoveToOuterDisposeScope();
        bool isTable =
            key.EndsWith("embeddings.weight", StringComparison.Ordinal)
            || key.EndsWith("token_embedding.weight", StringComparison.Ordinal)
            || key.EndsWith("positional_embedding", StringComparison.Ordinal);
        double fanIn = shape.Skip(1).Aggregate(1.0, (a, b) => a * b);
        Tensor values = empty(shape);
        if (isTable)
            values.normal_(0, 0.02, generator);
        else if (shape.Length >= 2)
            values.normal_(0, Math.Pow(fanIn, -0.5), generator);
        else if (shape.Length == 0)
            values.fill_(Math.Log(100));
        else if (key.EndsWith("weight", StringComparison.Ordinal))
            values.fill_(1);
        else
            values.normal_(0, 0.01, generator);
        return values.to(type).MoveToOuterDisposeScope();
    }
}
