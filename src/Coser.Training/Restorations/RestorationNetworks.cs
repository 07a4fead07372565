using Coser.Checkpoints;
using Coser.Checkpoints.Renaming;
using Coser.Engine;
using Coser.Networks.Unet;
using Coser.Training.Latents;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Coser.Training.Restorations;

/// <summary>The two networks of stage 2, started as the recipe says.</summary>
internal sealed class RestorationNetworks : IDisposable
{
    private RestorationNetworks(UnetModel unet, ControlEncoder control) => (Unet, Control) = (unet, control);

    public UnetModel Unet { get; }

    public ControlEncoder Control { get; }

    /// <summary>All parameters by <c>unet.</c> or <c>control.</c> and their name.</summary>
    public IEnumerable<(string Name, Parameter Parameter)> All =>
        StageInputs.Named(Unet, "unet.").Concat(StageInputs.Named(Control, "control."));

    /// <summary>Builds both networks and starts them.</summary>
    /// <remarks>
    /// The UNet takes the model's weights; if the model's has no All-in-Attention, its new branches start from the
    /// self-attention. The control encoder takes the model's, or the UNet's way down (section 4.1 of the paper).
    /// </remarks>
    public static RestorationNetworks Create(RestorationRecipe recipe, ModelDirectory model, Compute compute)
    {
        UnetConfig unetConfig = (recipe.Network ?? Config<UnetConfig>(model, ComponentNames.Unet)) with
        {
            AllInAttention = true,
        };
        bool hasControl = model.Manifest.Components.ContainsKey(ComponentNames.Control);
        ControlConfig controlConfig =
            recipe.Control
            ?? (hasControl ? Config<ControlConfig>(model, ComponentNames.Control) : ControlConfig.Like(unetConfig));
        manual_seed((long)recipe.Training.Seed); // the initialisation draws from the global generator
        var unet = new UnetModel(unetConfig);
        int taken = StageInputs.Take(unet, model, ComponentNames.Unet);
        if (taken > 0 && taken < unet.state_dict().Count)
            unet.CopySelfAttention();
        var control = new ControlEncoder(controlConfig);
        if (StageInputs.Take(control, model, ComponentNames.Control) == 0)
        {
            StageInputs.Take(control, model, ComponentNames.Unet);
            if (recipe.OpenControl)
                Open(control);
        }
        unet.Recompute = control.Recompute = recipe.Recompute;
        unet.to(compute.Device, compute.DType);
        control.to(compute.Device, compute.DType);
        return new RestorationNetworks(unet, control);
    }

    public void Dispose()
    {
        Unet.Dispose();
        Control.Dispose();
    }

    private static T Config<T>(ModelDirectory model, string role) =>
        model.Manifest.Components.TryGetValue(role, out ComponentManifest? component)
            ? System.Text.Json.JsonSerializer.Deserialize<T>(component.Config, CoserJson.Strict)!
            : throw new InvalidDataException(
                $"recipe: the model has no component '{role}' to start from, and the recipe does not say how to build one."
            );

    // Matrices as PyTorch starts them; biases stay 0.
    private static void Open(ControlEncoder control)
    {
        using var noGrad = no_grad();
        foreach ((string name, Parameter parameter) in control.named_parameters())
        {
            bool gate =
                name.StartsWith("zero_convs.", StringComparison.Ordinal)
                || name.StartsWith("hint_zero_conv.", StringComparison.Ordinal)
                || name.StartsWith("middle_block_out.", StringComparison.Ordinal);
            if (!gate || parameter.dim() < 2)
                continue;
            double bound = 1 / Math.Sqrt(parameter.shape.Skip(1).Aggregate(1L, (a, b) => a * b));
            parameter.uniform_(-bound, bound);
        }
    }
}
