using System.Collections.Frozen;

namespace Coser.Checkpoints.PyTorch;

/// <summary>
/// The classes and functions a checkpoint may name. None is ever imported or called: the few that make up a state dictionary
/// are rebuilt here, the other listed ones, which training runs leave beside their weights, become opaque objects. Any other
/// name is refused, since a pickle could use it to run code elsewhere.
/// </summary>
internal static class PickleClasses
{
    private static readonly FrozenDictionary<string, ElementType> StorageTypes = new Dictionary<string, ElementType>(
        StringComparer.Ordinal
    )
    {
        ["torch.DoubleStorage"] = ElementType.Find("F64")!,
        ["torch.FloatStorage"] = ElementType.Find("F32")!,
        ["torch.HalfStorage"] = ElementType.Find("F16")!,
        ["torch.BFloat16Storage"] = ElementType.Find("BF16")!,
        ["torch.LongStorage"] = ElementType.Find("I64")!,
        ["torch.IntStorage"] = ElementType.Find("I32")!,
        ["torch.ShortStorage"] = ElementType.Find("I16")!,
        ["torch.CharStorage"] = ElementType.Find("I8")!,
        ["torch.ByteStorage"] = ElementType.Find("U8")!,
        ["torch.BoolStorage"] = ElementType.Find("BOOL")!,
        ["torch.ComplexFloatStorage"] = ElementType.Find("C64")!,
        ["torch.ComplexDoubleStorage"] = ElementType.Find("C128")!,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenDictionary<string, ElementType> DTypes = new Dictionary<string, ElementType>(
        StringComparer.Ordinal
    )
    {
        ["torch.float64"] = ElementType.Find("F64")!,
        ["torch.float32"] = ElementType.Find("F32")!,
        ["torch.float16"] = ElementType.Find("F16")!,
        ["torch.bfloat16"] = ElementType.Find("BF16")!,
        ["torch.int64"] = ElementType.Find("I64")!,
        ["torch.int32"] = ElementType.Find("I32")!,
        ["torch.int16"] = ElementType.Find("I16")!,
        ["torch.int8"] = ElementType.Find("I8")!,
        ["torch.uint8"] = ElementType.Find("U8")!,
        ["torch.uint16"] = ElementType.Find("U16")!,
        ["torch.uint32"] = ElementType.Find("U32")!,
        ["torch.uint64"] = ElementType.Find("U64")!,
        ["torch.bool"] = ElementType.Find("BOOL")!,
        ["torch.complex64"] = ElementType.Find("C64")!,
        ["torch.complex128"] = ElementType.Find("C128")!,
        ["torch.float8_e4m3fn"] = ElementType.Find("F8_E4M3")!,
        ["torch.float8_e4m3fnuz"] = ElementType.Find("F8_E4M3FNUZ")!,
        ["torch.float8_e5m2"] = ElementType.Find("F8_E5M2")!,
        ["torch.float8_e5m2fnuz"] = ElementType.Find("F8_E5M2FNUZ")!,
        ["torch.float8_e8m0fnu"] = ElementType.Find("F8_E8M0")!,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenSet<string> Dictionaries = FrozenSet.Create(
        StringComparer.Ordinal,
        "collections.OrderedDict",
        "collections.defaultdict",
        "collections.Counter",
        "builtins.dict",
        "__builtin__.dict"
    );

    private static readonly FrozenSet<string> Others = FrozenSet.Create(
        StringComparer.Ordinal,
        "torch._utils._rebuild_tensor",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_tensor_v3",
        "torch._utils._rebuild_parameter",
        "torch._utils._rebuild_parameter_with_state",
        "torch._tensor._rebuild_from_type_v2",
        "torch.nn.parameter.Parameter",
        "torch.nn.parameter.Buffer",
        "torch.Tensor",
        "torch.Size",
        "torch.device",
        "torch.storage.UntypedStorage",
        "torch.storage._UntypedStorage",
        "torch.serialization._get_layout",
        "numpy.dtype",
        "numpy.ndarray",
        "numpy.core.multiarray.scalar",
        "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy._core.multiarray._reconstruct",
        "_codecs.encode",
        "copyreg._reconstructor",
        "copy_reg._reconstructor",
        "argparse.Namespace",
        "pathlib.PosixPath",
        "pathlib.WindowsPath",
        "typing.Any",
        "typing.Union",
        "typing.Optional"
    );

    private static readonly FrozenSet<string> BuiltinTypes = FrozenSet.Create(
        StringComparer.Ordinal,
        "set",
        "frozenset",
        "list",
        "tuple",
        "int",
        "float",
        "bool",
        "str",
        "bytes",
        "bytearray",
        "complex",
        "object",
        "slice"
    );

    // Packages of training frameworks whose objects (callbacks, configurations) lie beside the weights.
    private static readonly string[] InertPackages =
    [
        "pytorch_lightning.",
        "lightning.",
        "lightning_fabric.",
        "omegaconf.",
    ];

    public static bool IsAllowed(PickleClass named) =>
        Dictionaries.Contains(named.FullName)
        || StorageTypes.ContainsKey(named.FullName)
        || DTypes.ContainsKey(named.FullName)
        || Others.Contains(named.FullName)
        || (named.Module is "builtins" or "__builtin__" && BuiltinTypes.Contains(named.Name))
        || Array.Exists(InertPackages, p => named.FullName.StartsWith(p, StringComparison.Ordinal));

    public static bool IsDictionary(PickleClass named) => Dictionaries.Contains(named.FullName);

    public static bool IsUntypedStorage(PickleClass named) =>
        named.Module == "torch.storage" && named.Name is "UntypedStorage" or "_UntypedStorage";

    public static ElementType? StorageType(PickleClass named) => StorageTypes.GetValueOrDefault(named.FullName);

    public static ElementType? DType(PickleClass named) => DTypes.GetValueOrDefault(named.FullName);
}
