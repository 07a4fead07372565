namespace Coser.Imaging;

/// <summary>A rectangle of pixels; <paramref name="Left"/> and <paramref name="Top"/> count from the upper left corner.</summary>
public readonly record struct PixelArea(int Left, int Top, int Width, int Height);
