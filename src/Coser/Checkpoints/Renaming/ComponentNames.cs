namespace Coser.Checkpoints.Renaming;

/// <summary>The networks of a model, as <c>model.json</c> and the weight files name them.</summary>
public static class ComponentNames
{
    /// <summary>First enlargement of the LR image.</summary>
    public const string PreSr = "presr";

    /// <summary>OpenCLIP image and text towers.</summary>
    public const string Clip = "clip";

    /// <summary>Cognitive adapter.</summary>
    public const string Adapter = "adapter";

    /// <summary>Denoising UNet.</summary>
    public const string Unet = "unet";

    /// <summary>Control encoder.</summary>
    public const string Control = "control";

    /// <summary>KL autoencoder.</summary>
    public const string Autoencoder = "autoencoder";

    /// <summary>Autoencoder whose decoder has controllable feature wrapping.</summary>
    public const string Cfw = "cfw";

    /// <summary>All, in the order of the pipeline.</summary>
    public static IReadOnlyList<string> All { get; } = [PreSr, Clip, Adapter, Unet, Control, Autoencoder, Cfw];
}
