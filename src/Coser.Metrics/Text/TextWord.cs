namespace Coser.Metrics.Text;

/// <summary>A word that was read in an image.</summary>
/// <param name="Text">As read.</param>
/// <param name="Confidence">0 to 100.</param>
/// <param name="Left">Of its box, in pixels, as the rest.</param>
public sealed record TextWord(string Text, double Confidence, int Left, int Top, int Width, int Height)
{
    /// <summary>The share of the smaller of two boxes that lies in both.</summary>
    public double Overlap(TextWord other)
    {
        int across = Math.Min(Left + Width, other.Left + other.Width) - Math.Max(Left, other.Left);
        int down = Math.Min(Top + Height, other.Top + other.Height) - Math.Max(Top, other.Top);
        double smaller = Math.Min((double)Width * Height, (double)other.Width * other.Height);
        return across <= 0 || down <= 0 || smaller <= 0 ? 0 : across * (double)down / smaller;
    }
}
