using System.Globalization;
using static TorchSharp.torch;

namespace Coser.Networks.Layers;

/// <summary>One module under a name that its container's key needs: an index of a sequence whose other members have no weights.</summary>
internal sealed class Slot<T> : nn.Module
    where T : nn.Module
{
    // Not a field of a module's type, which would be registered under its own name.
    private readonly T[] _module;

    public Slot(int index, T module)
        : this(index.ToString(CultureInfo.InvariantCulture), module) { }

    public Slot(string name, T module)
        : base(nameof(Slot<>))
    {
        _module = [module];
        register_module(name, module);
    }

    public T Value => _module[0];
}
