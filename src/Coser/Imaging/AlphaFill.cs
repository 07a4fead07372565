using NetVips;

namespace Coser.Imaging;

/// <summary>
/// Gives the pixels under full transparency the colour of their visible neighbours. What editors leave there (black, white)
/// would otherwise be drawn into the edges by everything that looks at a neighbourhood.
/// </summary>
internal static class AlphaFill
{
    /// <summary>Push-pull over a pyramid: a hole takes the alpha-weighted mean of the smallest block that sees colour.</summary>
    /// <param name="colour">1 or 3 bands, 8 or 16 bits.</param>
    /// <param name="alpha">1 band of the same size and depth.</param>
    public static Image Fill(Image colour, Image alpha)
    {
        if (alpha.Min() > 0 || alpha.Max() <= 0)
            return colour;
        double max = PixelDepth.Max(alpha);
        using Image weight = alpha.Linear([1 / max], [0.0]).Cast(Enums.BandFormat.Float);
        using Image weighted = colour * weight;
        var levels = new List<Image>();
        using Image finest = weighted.Bandjoin(weight).Cast(Enums.BandFormat.Float);
        try
        {
            for (Image level = finest; level.Width > 1 || level.Height > 1; )
            {
                level = VipsEngine.Settled(level.Shrink(level.Width > 1 ? 2 : 1, level.Height > 1 ? 2 : 1, ceil: true));
                levels.Add(level);
            }
            Image filled = Colour(levels[^1]);
            for (int i = levels.Count - 2; i >= 0; i--)
            {
                using Image own = Colour(levels[i]);
                using Image seen = levels[i][levels[i].Bands - 1] > 0;
                using Image coarse = Enlarged(filled, own);
                filled.Dispose();
                filled = VipsEngine.Settled(seen.Ifthenelse(own, coarse));
            }
            using Image visible = alpha > 0;
            using Image under = Enlarged(filled, colour).Rint().Cast(colour.Format);
            filled.Dispose();
            return PixelDepth.Tagged(visible.Ifthenelse(colour, under));
        }
        finally
        {
            levels.ForEach(l => l.Dispose());
        }
    }

    // libvips divides by zero to zero.
    private static Image Colour(Image level)
    {
        using Image weight = level[level.Bands - 1];
        using Image weighted = level.ExtractBand(0, n: level.Bands - 1);
        return (weighted / weight).Cast(Enums.BandFormat.Float);
    }

    private static Image Enlarged(Image coarse, Image like)
    {
        using Image zoomed = coarse.Zoom(coarse.Width < like.Width ? 2 : 1, coarse.Height < like.Height ? 2 : 1);
        return zoomed.Crop(0, 0, like.Width, like.Height);
    }
}
