using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Networks.Layers;

/// <summary>
/// Activation checkpointing (Chen et al., "Training deep nets with sublinear memory cost", 2016): a part of a network keeps
/// its inputs alone, and runs once more when gradients go back through it. The gradients are the same numbers.
/// </summary>
internal static class Recomputation
{
    /// <summary>Runs a part of a network; without gradients, just so.</summary>
    /// <param name="network">Whose parameters the body uses.</param>
    /// <param name="body">
    /// From the inputs to one output, in the caller's dispose scope; it runs again later, so it must depend on nothing that
    /// changes, and have no dropout.
    /// </param>
    /// <param name="inputs">All tensors that gradients go to, parameters apart; null where there is none.</param>
    public static Tensor Run(
        nn.Module network,
        Func<IReadOnlyList<Tensor?>, Tensor> body,
        params IReadOnlyList<Tensor?> inputs
    )
    {
        bool learns =
            is_grad_enabled()
            && (inputs.Any(i => i?.requires_grad == true) || network.parameters().Any(p => p.requires_grad));
        if (!learns)
            return body(inputs);
        // Parameters get their gradients inside; the node itself needs an input that asks for one.
        Tensor anchor = zeros(1).requires_grad_(true);
        var part = new Part(body, inputs);
        return Recomputed.apply([anchor, part, .. inputs.OfType<Tensor>()])[0];
    }

    private sealed record Part(Func<IReadOnlyList<Tensor?>, Tensor> Body, IReadOnlyList<Tensor?> Inputs);

    private sealed class Recomputed : autograd.MultiTensorFunction<Recomputed>
    {
        // Native code has taken its own share of what a backward pass returned; ours is let go at the next one.
        [ThreadStatic]
        private static List<Tensor>? _returned;

        public override string Name => nameof(Recomputed);

        public override List<Tensor> forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var part = (Part)vars[1];
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            // The caller may dispose its own objects before gradients come.
            IReadOnlyList<Tensor?> kept = [.. part.Inputs.Select(i => i?.detach().DetachFromDisposeScope())];
            ctx.save_data("part", part with { Inputs = kept });
            ctx.save_data("wants", part.Inputs.Select(i => i?.requires_grad ?? false).ToArray());
            return [part.Body(part.Inputs).DetachFromDisposeScope()];
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, List<Tensor> grad_outputs)
        {
            foreach (Tensor old in _returned ?? [])
                old.Dispose();
            _returned = [];
            var part = (Part)ctx.get_data("part");
            var wants = (bool[])ctx.get_data("wants");
            using var grad = enable_grad();
            using var scope = NewDisposeScope();
            foreach ((Tensor? input, bool wanted) in part.Inputs.Zip(wants))
                input?.requires_grad_(wanted);
            Tensor output = part.Body(part.Inputs);
            autograd.backward([output], [grad_outputs[0]]);
            List<Tensor?> gradients = [null, null]; // the anchor, and what is no tensor
            foreach (Tensor input in part.Inputs.OfType<Tensor>())
            {
                Tensor? gradient = input.grad?.DetachFromDisposeScope();
                gradients.Add(gradient);
                if (gradient is not null)
                    _returned.Add(gradient);
                input.Dispose();
            }
            return gradients!;
        }
    }
}
