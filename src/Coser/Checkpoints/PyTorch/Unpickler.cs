namespace Coser.Checkpoints.PyTorch;

/// <summary>
/// A pickle machine for state dictionaries: builds dictionaries, lists, numbers, text and tensor descriptions, knows every
/// opcode of protocols 0 to 5 that can make them, and calls nothing. Work and memory are bounded by the pickle's length.
/// </summary>
internal sealed class Unpickler(PickleInput input)
{
    // A full training checkpoint of three thousand tensors with optimiser states takes half a million.
    private const int MaxOperations = 20_000_000;
    private static readonly object Mark = new();

    private readonly PickleBuilder _builder = new(input);
    private readonly Dictionary<long, object?> _memo = [];
    private readonly List<object?> _stack = [];

    /// <summary>Every storage the pickle referred to, in order; a key occurs once for each reference.</summary>
    public List<PickleStorage> Storages { get; } = [];

    /// <summary>Runs one pickle up to its STOP.</summary>
    /// <exception cref="CheckpointException">It is damaged, too large, or names a class outside the allow-list.</exception>
    public object? Load()
    {
        for (int operations = 0; operations < MaxOperations; operations++)
        {
            byte opcode = input.Byte();
            if (opcode == (byte)'.')
                return Pop();
            if (!Scalar(opcode) && !Container(opcode) && !Object(opcode))
                throw input.Error($"its pickled data holds the unknown or unsupported operation 0x{opcode:x2}");
        }
        throw input.Error("its pickled data is longer than any checkpoint's");
    }

    private bool Scalar(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'N':
                return Push(null);
            case 0x88:
                return Push(true);
            case 0x89:
                return Push(false);
            case (byte)'J':
                return Push((long)input.Int32());
            case (byte)'K':
                return Push((long)input.Byte());
            case (byte)'M':
                return Push((long)input.UInt16());
            case (byte)'I':
                string line = input.Line();
                return Push(line is "00" or "01" ? line == "01" : input.Decimal(line));
            case (byte)'L':
                return Push(input.Decimal(input.Line()));
            case 0x8a: // LONG1
                return Push(input.Integer(input.Byte()));
            case 0x8b: // LONG4
                return Push(input.Integer(input.UInt32()));
            case (byte)'G':
                return Push(input.Double());
            case (byte)'F':
                return Push(double.TryParse(input.Line(), out double number) ? number : double.NaN);
            case (byte)'X':
                return Push(input.Text(input.UInt32()));
            case 0x8c: // SHORT_BINUNICODE
                return Push(input.Text(input.Byte()));
            case 0x8d: // BINUNICODE8
                return Push(input.Text(input.Int64()));
            case (byte)'V':
                return Push(input.Line());
            case (byte)'S': // quoted text of Python 2
                return Push(input.Line().Trim('\'', '"'));
            case (byte)'T': // BINSTRING
                return Push(input.Text(input.Int32()));
            case (byte)'U': // SHORT_BINSTRING
                return Push(input.Text(input.Byte()));
            case (byte)'B': // BINBYTES
                return Push(input.Take(input.UInt32()).ToArray());
            case (byte)'C': // SHORT_BINBYTES
                return Push(input.Take(input.Byte()).ToArray());
            case 0x8e or 0x96: // BINBYTES8, BYTEARRAY8
                return Push(input.Take(input.Int64()).ToArray());
            default:
                return false;
        }
    }

    private bool Container(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'(':
                return Push(Mark);
            case (byte)')':
                return Push(Array.Empty<object?>());
            case (byte)'t':
                return Push(PopToMark().ToArray());
            case 0x85 or 0x86 or 0x87: // TUPLE1 to TUPLE3
                var tuple = new object?[opcode - 0x84];
                for (int i = tuple.Length - 1; i >= 0; i--)
                    tuple[i] = Pop();
                return Push(tuple);
            case (byte)']' or 0x8f: // EMPTY_LIST, EMPTY_SET
                return Push(new List<object?>());
            case (byte)'l' or 0x91: // LIST, FROZENSET
                return Push(PopToMark());
            case (byte)'a':
                return Append([Pop()]);
            case (byte)'e' or 0x90: // APPENDS, ADDITEMS
                return Append(PopToMark());
            case (byte)'}':
                return Push(new PickleDictionary());
            case (byte)'d':
                List<object?> pairs = PopToMark();
                Push(new PickleDictionary());
                return SetItems(pairs);
            case (byte)'s':
                object? value = Pop();
                return SetItems([Pop(), value]);
            case (byte)'u':
                return SetItems(PopToMark());
            case (byte)'0':
                _ = _stack.Count > 0 ? TakeLast() : throw Underflow();
                return true;
            case (byte)'1':
                _ = PopToMark();
                return true;
            case (byte)'2':
                return Push(Top());
            default:
                return false;
        }
    }

    private bool Object(byte opcode)
    {
        switch (opcode)
        {
            case 0x80: // PROTO
                int protocol = input.Byte();
                return protocol <= 5 ? true : throw input.Error($"its pickle protocol {protocol} is newer than 5");
            case 0x95: // FRAME: a hint for readers of streams
                _ = input.Int64();
                return true;
            case (byte)'c':
                return Push(Named(input.Line(), input.Line()));
            case 0x93: // STACK_GLOBAL
                object? name = Pop();
                return Pop() is string module && name is string text
                    ? Push(Named(module, text))
                    : throw input.Error("its pickled data names a class by something that is no text");
            case (byte)'R':
                object? arguments = Pop();
                return Push(_builder.Call(Pop(), arguments));
            case 0x81: // NEWOBJ
                _ = Pop();
                return Push(_builder.New(Pop()));
            case 0x92: // NEWOBJ_EX
                _ = (Pop(), Pop());
                return Push(_builder.New(Pop()));
            case (byte)'o': // OBJ
                return Push(_builder.New(PopToMark().FirstOrDefault()));
            case (byte)'i': // INST
                PickleClass instance = Named(input.Line(), input.Line());
                _ = PopToMark();
                return Push(_builder.New(instance));
            case (byte)'b': // BUILD: attributes of an object, of no use here
                _ = (Pop(), Top());
                return true;
            case (byte)'Q': // BINPERSID
                PickleStorage storage = _builder.Storage(Pop());
                Storages.Add(storage);
                return Push(storage);
            default:
                return Memo(opcode);
        }
    }

    private bool Memo(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'q':
                return Put(input.Byte());
            case (byte)'r':
                return Put(input.UInt32());
            case (byte)'p':
                return Put(input.Decimal(input.Line()) as long? ?? -1);
            case 0x94: // MEMOIZE
                return Put(_memo.Count);
            case (byte)'h':
                return Get(input.Byte());
            case (byte)'j':
                return Get(input.UInt32());
            case (byte)'g':
                return Get(input.Decimal(input.Line()) as long? ?? -1);
            default:
                return false;
        }
    }

    private PickleClass Named(string module, string name)
    {
        var named = new PickleClass(module, name);
        return PickleClasses.IsAllowed(named)
            ? named
            : throw input.Error(
                $"it names '{named.FullName}', which no file of weights needs and which could run code; "
                    + "it was not loaded. If you trust it, load it with PyTorch and save its state_dict() alone"
            );
    }

    private bool Put(long index)
    {
        _memo[index] = Top();
        return true;
    }

    private bool Get(long index) =>
        _memo.TryGetValue(index, out object? value)
            ? Push(value)
            : throw input.Error("its pickled data recalls a value that it never stored");

    private bool Append(List<object?> items)
    {
        if (Top() is List<object?> list)
            list.AddRange(items);
        else if (Top() is not PickleObject)
            throw input.Error("its pickled data appends to something that is no list");
        return true;
    }

    private bool SetItems(List<object?> pairs)
    {
        if (pairs.Count % 2 != 0)
            throw input.Error("its pickled data sets a key without a value");
        if (Top() is PickleDictionary dictionary)
        {
            for (int i = 0; i < pairs.Count; i += 2)
                dictionary.Set(pairs[i], pairs[i + 1]);
        }
        else if (Top() is not PickleObject)
        {
            throw input.Error("its pickled data sets a key of something that is no dictionary");
        }
        return true;
    }

    private bool Push(object? value)
    {
        _stack.Add(value);
        return true;
    }

    private object? Top() => _stack.Count > 0 && _stack[^1] != Mark ? _stack[^1] : throw Underflow();

    private object? Pop()
    {
        _ = Top();
        return TakeLast();
    }

    private object? TakeLast()
    {
        object? last = _stack[^1];
        _stack.RemoveAt(_stack.Count - 1);
        return last;
    }

    private List<object?> PopToMark()
    {
        int mark = _stack.LastIndexOf(Mark);
        if (mark < 0)
            throw Underflow();
        List<object?> items = _stack[(mark + 1)..];
        _stack.RemoveRange(mark, _stack.Count - mark);
        return items;
    }

    private CheckpointException Underflow() => input.Error("its pickled data takes a value that is not there");
}
