using Coser.Imaging;
using Coser.Restoration;
using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Evaluation;

/// <summary>One way to enlarge an LR image, as compared in a report.</summary>
public interface IRestorationMethod
{
    /// <summary>Name in tables.</summary>
    string Name { get; }

    /// <summary>Restores an image file.</summary>
    /// <returns>[1,3,4h,4w], float32, [0,1], not yet rounded.</returns>
    Tensor Restore(string lrPath);
}

/// <summary>Bicubic interpolation (PyTorch's: a = -0.75, align_corners off), clamped.</summary>
public sealed class BicubicMethod : IRestorationMethod
{
    /// <inheritdoc/>
    public string Name => "bicubic";

    /// <inheritdoc/>
    public Tensor Restore(string lrPath)
    {
        using var scope = NewDisposeScope();
        using Photo photo = Photo.Open(lrPath);
        Tensor lr = photo.Read(new PixelArea(0, 0, photo.Width, photo.Height));
        return nn
            .functional.interpolate(lr, scale_factor: [4, 4], mode: InterpolationMode.Bicubic, align_corners: false)
            .clamp(0, 1)
            .MoveToOuterDisposeScope();
    }
}

/// <summary>A model directory, through the same code as <c>coser upscale</c>.</summary>
public sealed class ModelMethod(string name, SuperResolver resolver) : IRestorationMethod
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public Tensor Restore(string lrPath)
    {
        using Photo photo = Photo.Open(lrPath);
        using RestoredPhoto restored = resolver.Restore(photo);
        return restored.Photo.Read(new PixelArea(0, 0, restored.Photo.Width, restored.Photo.Height));
    }
}
