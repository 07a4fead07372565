using static TorchSharp.torch;

namespace Coser.Checkpoints;

/// <summary>Type of a tensor's elements, under its safetensors name.</summary>
/// <param name="Name">Such as <c>F32</c>, <c>BF16</c>, <c>F8_E4M3</c>.</param>
/// <param name="Size">Bytes an element.</param>
/// <param name="Torch">The engine's type; null when TorchSharp has none, so that such tensors are listed but not read.</param>
public sealed record ElementType(string Name, int Size, ScalarType? Torch)
{
    private static readonly ElementType[] Known =
    [
        new("F64", 8, ScalarType.Float64),
        new("F32", 4, ScalarType.Float32),
        new("F16", 2, ScalarType.Float16),
        new("BF16", 2, ScalarType.BFloat16),
        new("I64", 8, ScalarType.Int64),
        new("I32", 4, ScalarType.Int32),
        new("I16", 2, ScalarType.Int16),
        new("I8", 1, ScalarType.Int8),
        new("U8", 1, ScalarType.Byte),
        new("BOOL", 1, ScalarType.Bool),
        new("C64", 8, ScalarType.ComplexFloat32),
        new("C128", 16, ScalarType.ComplexFloat64),
        new("U64", 8, null),
        new("U32", 4, null),
        new("U16", 2, null),
        new("F8_E4M3", 1, null),
        new("F8_E4M3FNUZ", 1, null),
        new("F8_E5M2", 1, null),
        new("F8_E5M2FNUZ", 1, null),
        new("F8_E8M0", 1, null),
    ];

    private static readonly Dictionary<string, ElementType> ByName = Known.ToDictionary(
        t => t.Name,
        StringComparer.Ordinal
    );

    /// <summary>True for the floating-point types that the engine has.</summary>
    public bool IsFloat =>
        Torch is ScalarType.Float64 or ScalarType.Float32 or ScalarType.Float16 or ScalarType.BFloat16;

    /// <summary>The type of a safetensors name, or null.</summary>
    public static ElementType? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>The type of an engine type.</summary>
    /// <exception cref="NotSupportedException">No file format has a name for it.</exception>
    public static ElementType Of(ScalarType type) =>
        Array.Find(Known, t => t.Torch == type)
        ?? throw new NotSupportedException($"safetensors has no name for {type}");

    /// <summary>Bytes of a tensor of that shape; null when no tensor can have it (more bytes or dimensions than exist).</summary>
    public long? Bytes(ReadOnlySpan<long> shape)
    {
        const int MaxRank = 64; // the engine's
        Int128 bytes = Size;
        foreach (long size in shape)
            bytes = Int128.Min(bytes * Math.Max(size, 1), (Int128)1 << 64);
        return bytes > long.MaxValue || shape.Length > MaxRank ? null
            : shape.Contains(0) ? 0
            : (long)bytes;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
