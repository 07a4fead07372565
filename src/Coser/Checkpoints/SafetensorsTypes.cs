using static TorchSharp.torch;

namespace Coser.Checkpoints;

/// <summary>Names of element types in safetensors headers.</summary>
internal static class SafetensorsTypes
{
    public static IReadOnlyDictionary<string, ScalarType> FromName { get; } =
        new Dictionary<string, ScalarType>(StringComparer.Ordinal)
        {
            ["F64"] = ScalarType.Float64,
            ["F32"] = ScalarType.Float32,
            ["F16"] = ScalarType.Float16,
            ["BF16"] = ScalarType.BFloat16,
            ["I64"] = ScalarType.Int64,
            ["I32"] = ScalarType.Int32,
            ["I16"] = ScalarType.Int16,
            ["I8"] = ScalarType.Int8,
            ["U8"] = ScalarType.Byte,
            ["BOOL"] = ScalarType.Bool,
        };

    public static string ToName(ScalarType type) =>
        FromName.FirstOrDefault(p => p.Value == type).Key
        ?? throw new NotSupportedException($"safetensors has no name for {type}");

    public static int Size(ScalarType type) =>
        type switch
        {
            ScalarType.Float64 or ScalarType.Int64 => 8,
            ScalarType.Float32 or ScalarType.Int32 => 4,
            ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Int16 => 2,
            _ => 1,
        };
}
