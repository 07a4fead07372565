namespace Coser.Training.Captions;

/// <summary>The colours a caption knows, in the order of their hue after the colourless ones.</summary>
public enum ColourName
{
    /// <summary>Nearly no light.</summary>
    Black,

    /// <summary>No hue, between black and white.</summary>
    Grey,

    /// <summary>No hue, nearly all light.</summary>
    White,

    /// <summary>Light and pale, between pink and yellow: sand, cream, skin.</summary>
    Beige,

    /// <summary>Dark orange: wood, earth, fur.</summary>
    Brown,

    /// <summary>Red.</summary>
    Red,

    /// <summary>Orange.</summary>
    Orange,

    /// <summary>Yellow.</summary>
    Yellow,

    /// <summary>Green, olive among them.</summary>
    Green,

    /// <summary>Between green and blue.</summary>
    Turquoise,

    /// <summary>Blue.</summary>
    Blue,

    /// <summary>Violet and purple.</summary>
    Purple,

    /// <summary>Magenta, and light red.</summary>
    Pink,
}

/// <summary>A colour as people see it: Oklab (Björn Ottosson, 2020), whose hue stays put as lightness changes.</summary>
/// <param name="Lightness">0 to 1.</param>
/// <param name="Chroma">0 (grey) to about 0.32.</param>
/// <param name="Hue">Degrees, 0 to 360: red 29, yellow 110, green 142, blue 264.</param>
public readonly record struct Shade(float Lightness, float Chroma, float Hue)
{
    private static readonly float[] Linear = [.. Enumerable.Range(0, 256).Select(v => Decode(v / 255f))];

    /// <summary>The shade of an sRGB colour.</summary>
    /// <param name="r">Red, [0,1].</param>
    /// <param name="g">Green, [0,1].</param>
    /// <param name="b">Blue, [0,1].</param>
    public static Shade Of(float r, float g, float b)
    {
        (r, g, b) = (FromByte(r), FromByte(g), FromByte(b));
        float l = MathF.Cbrt(0.41222147f * r + 0.53633254f * g + 0.05144599f * b);
        float m = MathF.Cbrt(0.2119035f * r + 0.6806995f * g + 0.10739696f * b);
        float s = MathF.Cbrt(0.08830246f * r + 0.28171884f * g + 0.6299787f * b);
        float lightness = 0.21045426f * l + 0.7936178f * m - 0.00407205f * s;
        float greenRed = 1.9779985f * l - 2.4285922f * m + 0.4505937f * s;
        float blueYellow = 0.02590404f * l + 0.78277177f * m - 0.80867577f * s;
        float hue = MathF.Atan2(blueYellow, greenRed) * (180 / MathF.PI);
        return new Shade(
            lightness,
            MathF.Sqrt(greenRed * greenRed + blueYellow * blueYellow),
            hue < 0 ? hue + 360 : hue
        );
    }

    /// <summary>The name most people would give it.</summary>
    public ColourName Name
    {
        get
        {
            if (Lightness < 0.22f || (Lightness < 0.3f && Chroma < 0.035f))
                return ColourName.Black;
            if (Chroma < (Lightness > 0.8f ? 0.022f : 0.03f))
                return Lightness > 0.87f ? ColourName.White : ColourName.Grey;
            return Hue switch
            {
                < 15 => Lightness > 0.5f ? ColourName.Pink : ColourName.Purple,
                < 42 => Reddish(),
                < 100 => Earthy(),
                < 116 => Yellowish(),
                < 168 => ColourName.Green,
                < 212 => ColourName.Turquoise,
                < 282 => ColourName.Blue,
                < 330 => ColourName.Purple,
                < 345 => Lightness > 0.62f ? ColourName.Pink : ColourName.Purple,
                _ => Lightness > 0.45f ? ColourName.Pink : ColourName.Purple,
            };
        }
    }

    private ColourName Reddish()
    {
        if (Chroma < 0.09f)
        {
            if (Lightness < 0.62f)
                return ColourName.Brown;
            return Chroma < 0.05f ? ColourName.Beige : ColourName.Pink;
        }
        return Lightness > 0.68f && Chroma < 0.17f ? ColourName.Pink : ColourName.Red;
    }

    // From red-orange to gold: strong it is orange or yellow, dark it is brown, pale it is beige.
    private ColourName Earthy()
    {
        float vivid = Hue < 60 ? 0.14f : 0.115f;
        if (Lightness > 0.58f && Chroma > vivid)
            return Hue < 78 ? ColourName.Orange : ColourName.Yellow;
        return Lightness > 0.62f ? ColourName.Beige : ColourName.Brown;
    }

    private ColourName Yellowish()
    {
        if (Lightness > 0.72f && Chroma > 0.1f)
            return ColourName.Yellow;
        return Lightness > 0.72f && Chroma < 0.05f ? ColourName.Beige : ColourName.Green;
    }

    private static float FromByte(float value) => Linear[(int)MathF.Round(Math.Clamp(value, 0, 1) * 255)];

    private static float Decode(float value) =>
        value <= 0.04045f ? value / 12.92f : MathF.Pow((value + 0.055f) / 1.055f, 2.4f);
}
