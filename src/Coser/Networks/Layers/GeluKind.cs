namespace Coser.Networks.Layers;

/// <summary>The two forms of GELU in published transformers.</summary>
public enum GeluKind
{
    /// <summary>x * Phi(x), by the error function.</summary>
    Gelu,

    /// <summary>x * sigmoid(1.702 x): OpenAI's own CLIP weights.</summary>
    QuickGelu,
}
