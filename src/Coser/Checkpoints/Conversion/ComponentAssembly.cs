using Coser.Checkpoints.Renaming;
using TorchSharp;

namespace Coser.Checkpoints.Conversion;

/// <summary>One tensor of a component and the file it is taken from.</summary>
internal sealed record AssembledTensor(ConversionSource Source, RenamedTensor Tensor)
{
    /// <summary>Type of the converted tensor; whole numbers stay what they are.</summary>
    public ElementType Target(ConversionType type) =>
        type switch
        {
            _ when !Tensor.DType.IsFloat => Tensor.DType,
            ConversionType.Fp16 => ElementType.Of(torch.ScalarType.Float16),
            ConversionType.Bf16 => ElementType.Of(torch.ScalarType.BFloat16),
            ConversionType.Fp32 => ElementType.Of(torch.ScalarType.Float32),
            _ => Tensor.DType,
        };

    /// <summary>The tensor, joined from its parts.</summary>
    /// <exception cref="CheckpointException">A number does not fit the type.</exception>
    public torch.Tensor Read(ElementType target)
    {
        using var scope = torch.NewDisposeScope();
        torch.Tensor[] parts = [.. Tensor.Sources.Select(Source.File.Read)];
        torch.Tensor whole = (parts.Length == 1 ? parts[0] : torch.cat(parts, 0)).reshape(Tensor.Shape);
        if (target == Tensor.DType)
            return whole.MoveToOuterDisposeScope();
        torch.Tensor converted = whole.to(target.Torch!.Value);
        if (
            target.Torch == torch.ScalarType.Float16
            && !converted.isfinite().all().item<bool>()
            && whole.isfinite().all().item<bool>()
        )
        {
            throw new CheckpointException(
                Source.File.Path,
                $"'{Tensor.Sources[0]}' has numbers beyond float16. Use --dtype bf16 or keep."
            );
        }
        return converted.MoveToOuterDisposeScope();
    }

    /// <summary>Lets the source's pages go.</summary>
    public void Forget()
    {
        foreach (string key in Tensor.Sources)
            Source.File.Forget(key);
    }
}

/// <summary>What several files make together: the tensors of every component, those of later files before earlier ones.</summary>
internal static class ComponentAssembly
{
    /// <summary>Tensors by component and key.</summary>
    /// <param name="sources">The last one wins.</param>
    /// <exception cref="CheckpointException">Two files have one tensor in different shapes.</exception>
    public static Dictionary<string, SortedDictionary<string, AssembledTensor>> Join(
        IEnumerable<ConversionSource> sources
    )
    {
        var components = new Dictionary<string, SortedDictionary<string, AssembledTensor>>(StringComparer.Ordinal);
        foreach (ConversionSource source in sources)
        {
            foreach (RenamedTensor tensor in source.Content.Tensors)
            {
                if (!components.TryGetValue(tensor.Component, out SortedDictionary<string, AssembledTensor>? made))
                    components[tensor.Component] = made = new(StringComparer.Ordinal);
                if (made.TryGetValue(tensor.Key, out AssembledTensor? other) && !Agree(other.Tensor, tensor))
                {
                    throw new CheckpointException(
                        source.File.Path,
                        $"its '{tensor.Key}' of {tensor.Component} is {Text(tensor.Shape)}, but in "
                            + $"{other.Source.File.Path} it is {Text(other.Tensor.Shape)}: the files belong to different models"
                    );
                }
                made[tensor.Key] = new AssembledTensor(source, tensor);
            }
        }
        return components;
    }

    private static bool Agree(RenamedTensor a, RenamedTensor b) => a.Shape.AsSpan().SequenceEqual(b.Shape);

    private static string Text(long[] shape) => $"[{string.Join(",", shape)}]";
}
