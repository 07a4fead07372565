using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Bench;

/// <summary>
/// The convolutions and matrices of a training step, each with the input it had: what they cost by themselves is the floor
/// under the step. Attention's own products are left out.
/// </summary>
internal sealed class WeightedLayers : IDisposable
{
    private readonly List<(nn.Module<Tensor, Tensor> Layer, Tensor Input, Tensor Gradient)> _calls = [];

    /// <param name="step">A forward pass through all of them.</param>
    public WeightedLayers(IReadOnlyList<nn.Module> networks, Func<Tensor> step)
    {
        var unhook = new List<Action>();
        foreach (nn.Module module in networks.SelectMany(n => n.modules()))
        {
            Parameter? weight = module
                .named_parameters(recurse: false)
                .FirstOrDefault(p => p.name == "weight")
                .parameter;
            if (module is not nn.Module<Tensor, Tensor> layer || weight is null || weight.dim() < 2)
                continue;
            double each = 2.0 * weight.numel() / weight.shape[0];
            unhook.Add(
                layer
                    .register_forward_hook(
                        (_, input, output) =>
                        {
                            if (!input.is_floating_point())
                                return output;
                            Operations += each * output.numel();
                            using (no_grad())
                            {
                                Tensor kept = input.detach().clone().DetachFromDisposeScope();
                                _calls.Add((layer, kept, randn_like(output).DetachFromDisposeScope()));
                            }
                            return output;
                        }
                    )
                    .remove
            );
        }
        using (var scope = NewDisposeScope())
        using (no_grad())
            step();
        unhook.ForEach(remove => remove());
        foreach ((_, Tensor input, _) in _calls)
            input.requires_grad_();
    }

    /// <summary>Of one forward pass; a product and a sum are two.</summary>
    public double Operations { get; private set; }

    /// <summary>Forward and backward of every layer, one after another, with nothing between them.</summary>
    public void RunAlone()
    {
        foreach ((nn.Module<Tensor, Tensor> layer, Tensor input, Tensor gradient) in _calls)
        {
            using var scope = NewDisposeScope();
            layer.call(input).backward([gradient]);
        }
    }

    public void Dispose()
    {
        foreach ((_, Tensor input, Tensor gradient) in _calls)
        {
            input.Dispose();
            gradient.Dispose();
        }
    }
}
