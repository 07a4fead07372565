using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Coser.Networks.Layers;

/// <summary>
/// Group normalisation (Wu and He, ECCV 2018), weight 1 and bias 0 at the start, which <c>nn.GroupNorm</c> leaves
/// undefined.
/// </summary>
internal sealed class GroupNormalisation : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "weight")]
    private readonly Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter _bias;

    private readonly long _groups;
    private readonly double _eps;

    /// <exception cref="ArgumentException">The groups do not divide the channels.</exception>
    public GroupNormalisation(long groups, long channels, double eps, Device? device)
        : base(nameof(GroupNormalisation))
    {
        if (groups < 1 || channels % groups != 0)
            throw new ArgumentException($"{groups} groups do not divide {channels} channels", nameof(groups));
        (_groups, _eps) = (groups, eps);
        _weight = Weights.Constant([channels], 1, device);
        _bias = Weights.Constant([channels], 0, device);
        RegisterComponents();
    }

    /// <param name="input">[B,C,...] in the weights' type; means and variances are float32 inside.</param>
    /// <returns>The same shape.</returns>
    public override Tensor forward(Tensor input) =>
        nn.functional.group_norm(input, _groups, weight: _weight, bias: _bias, eps: _eps);
}
