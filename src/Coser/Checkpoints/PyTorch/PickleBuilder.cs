namespace Coser.Checkpoints.PyTorch;

/// <summary>Makes the values of a state dictionary out of what a pickle asks to call, and nothing else.</summary>
internal sealed class PickleBuilder(PickleInput input)
{
    private const int MaxCopied = 20_000_000;
    private const int MaxRank = 64;
    private int _copied;

    /// <summary>The value of <c>callable(*arguments)</c>.</summary>
    public object? Call(object? callable, object? arguments)
    {
        if (callable is not PickleClass named || arguments is not object?[] given)
            throw input.Error("its pickled data calls something that is no class");
        if (PickleClasses.IsDictionary(named))
            return Dictionary(given);
        return named.FullName switch
        {
            "torch._utils._rebuild_tensor" => Tensor(given, 4),
            "torch._utils._rebuild_tensor_v2" => Tensor(given, 6),
            "torch._utils._rebuild_tensor_v3" => Tensor(given, 7),
            "torch._utils._rebuild_parameter" or "torch._utils._rebuild_parameter_with_state" => Wrapped(given),
            "torch._tensor._rebuild_from_type_v2" when given is [PickleClass function, _, object?[] inner, ..] =>
                function.FullName == named.FullName
                    ? throw input.Error("its pickled data nests tensor classes")
                    : Call(function, inner),
            "torch.Size" when given is [object?[] sizes] => sizes,
            _ => new PickleObject(named),
        };
    }

    /// <summary>An instance made without calling anything.</summary>
    public object New(object? named) =>
        named switch
        {
            PickleClass c when PickleClasses.IsDictionary(c) => new PickleDictionary(),
            PickleClass c => new PickleObject(c),
            _ => throw input.Error("its pickled data makes an object of something that is no class"),
        };

    /// <summary>The storage of a persistent id: ('storage', class, key, device, number of elements[, view]).</summary>
    public PickleStorage Storage(object? id)
    {
        if (id is not object?[] parts || parts is not ["storage", PickleClass named, var key, _, long elements, ..])
        {
            throw input.Error(
                id is object?[] and ["module", ..]
                    ? "it holds a whole pickled network; load it with PyTorch and save its state_dict()"
                    : "its pickled data refers to something outside that is no storage"
            );
        }
        ElementType? type = PickleClasses.StorageType(named);
        if (type is null && !PickleClasses.IsUntypedStorage(named))
            throw input.Error($"it stores tensors as '{named.FullName}', which is no known storage");
        if (elements < 0)
            throw input.Error("it describes a storage of negative size");
        long skip = 0;
        if (parts is [_, _, _, _, _, object?[] and [_, long viewOffset, long viewElements]])
        {
            if (viewOffset < 0 || viewElements < 0 || viewOffset > elements - viewElements)
                throw input.Error("it describes a storage view outside its storage");
            skip = viewOffset;
        }
        return new PickleStorage(
            key switch
            {
                string text => text,
                long number => number.ToString(),
                _ => throw input.Error("it describes a storage without a name"),
            },
            type,
            elements,
            skip
        );
    }

    private PickleDictionary Dictionary(object?[] given)
    {
        var dictionary = new PickleDictionary();
        // OrderedDict([(key, value), ...]); a default factory or a count of nothing leaves it empty.
        if (given is not [List<object?> pairs])
            return dictionary;
        _copied += pairs.Count;
        if (_copied > MaxCopied) // one list, copied over and over
            throw input.Error("its pickled data makes more dictionaries than any checkpoint's");
        foreach (object? pair in pairs)
        {
            (object? key, object? value) = pair switch
            {
                object?[] and [var k, var v] => (k, v),
                List<object?> and [var k, var v] => (k, v),
                _ => throw input.Error("its pickled data makes a dictionary of something else than pairs"),
            };
            dictionary.Set(key, value);
        }
        return dictionary;
    }

    private PickleTensor Wrapped(object?[] given) =>
        given is [PickleTensor tensor, ..] ? tensor : throw input.Error("it describes a parameter without a tensor");

    // (storage, offset, size, stride, requires_grad, hooks, dtype): version 1 stops after four, version 2 after six.
    private PickleTensor Tensor(object?[] given, int least)
    {
        if (
            given.Length < least
            || given is not [PickleStorage storage, long offset, object?[] size, object?[] stride, ..]
            || size.Length != stride.Length
            || size.Length > MaxRank
        )
        {
            throw input.Error("it describes a tensor without storage, size or stride");
        }
        ElementType? type = least == 7 && given[6] is PickleClass named ? PickleClasses.DType(named) : storage.Type;
        if (type is null)
            throw input.Error("it describes a tensor without an element type");
        long[] shape = Whole(size);
        long[] strides = Whole(stride);
        CheckWindow(storage, type, offset, shape, strides);
        return new PickleTensor(storage, type, offset, shape, strides);
    }

    private long[] Whole(object?[] numbers) =>
        Array.TrueForAll(numbers, n => n is long and >= 0)
            ? [.. numbers.Cast<long>()]
            : throw input.Error("it describes a tensor with a negative or missing size or stride");

    private void CheckWindow(PickleStorage storage, ElementType type, long offset, long[] shape, long[] strides)
    {
        if (type.Bytes(shape) is null)
            throw input.Error($"it describes a tensor of the impossible shape [{string.Join(", ", shape)}]");
        if (shape.Contains(0))
            return;
        Int128 last = offset;
        for (int i = 0; i < shape.Length; i++)
            last += (Int128)(shape[i] - 1) * strides[i];
        Int128 bytes = (Int128)storage.Elements * (storage.Type?.Size ?? 1);
        if (offset < 0 || (last + 1 + storage.Skip) * type.Size > bytes)
        {
            throw input.Error(
                $"it describes a tensor of shape [{string.Join(", ", shape)}] that reaches beyond its storage '{storage.Key}'"
            );
        }
    }
}
