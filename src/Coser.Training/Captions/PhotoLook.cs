using TorchSharp;
using static TorchSharp.torch;

namespace Coser.Training.Captions;

/// <summary>How much light a photo shows.</summary>
public enum PhotoLight
{
    /// <summary>Nothing worth a word.</summary>
    Usual,

    /// <summary>Mostly black.</summary>
    Dark,

    /// <summary>Little light.</summary>
    Dim,

    /// <summary>Mostly light.</summary>
    Bright,
}

/// <summary>What lies behind the middle of a photo.</summary>
public enum PhotoBackground
{
    /// <summary>Nothing worth a word.</summary>
    Busy,

    /// <summary>One even colour.</summary>
    Plain,

    /// <summary>Out of focus, while the middle is sharp.</summary>
    Blurred,
}

/// <summary>How a photo is framed, by where its detail is.</summary>
public enum PhotoFraming
{
    /// <summary>Nothing worth a word.</summary>
    Usual,

    /// <summary>A sharp middle before a background that is out of focus.</summary>
    CloseUp,

    /// <summary>A light, smooth top above detail from edge to edge.</summary>
    Wide,
}

/// <summary>What can be said of a photo from its pixels alone. What is not clear is left out.</summary>
public sealed record PhotoLook
{
    private const int Side = 64;
    private const int CoarseSide = 32;
    private const int FineSide = 128;

    /// <summary>Amount of light.</summary>
    public PhotoLight Light { get; private init; }

    /// <summary>The background.</summary>
    public PhotoBackground Background { get; private init; }

    /// <summary>The framing.</summary>
    public PhotoFraming Framing { get; private init; }

    /// <summary>No colour at all.</summary>
    public bool Monochrome { get; private init; }

    /// <summary>Standard deviation of the lightness, 0 to about 0.4.</summary>
    public double Contrast { get; private init; }

    /// <summary>A smooth blue top over something else.</summary>
    public bool BlueSky { get; private init; }

    /// <summary>Share of the photo that is green as plants are, and not smooth; 0 to 1.</summary>
    public double Greenery { get; private init; }

    /// <summary>Mean strength of edges, 0 (smooth) to about 0.2.</summary>
    public double Detail { get; private init; }

    /// <summary>Colour of what stands in the middle and not around it.</summary>
    public RegionColour? Subject { get; private init; }

    /// <summary>Colour of the frame.</summary>
    public RegionColour? Surround { get; private init; }

    /// <summary>Colour of the middle.</summary>
    public RegionColour? Centre { get; private init; }

    /// <summary>Colour of the left third.</summary>
    public RegionColour? Left { get; private init; }

    /// <summary>Colour of the right third.</summary>
    public RegionColour? Right { get; private init; }

    /// <summary>Colour of the top third.</summary>
    public RegionColour? Top { get; private init; }

    /// <summary>Colour of the bottom third.</summary>
    public RegionColour? Bottom { get; private init; }

    /// <summary>Colours of at least an eighth of the photo each, the most frequent first.</summary>
    public IReadOnlyList<RegionColour> Palette { get; private init; } = [];

    /// <summary>The lighter side: "left", "right", "top", "bottom"; null: none is.</summary>
    public string? LighterSide { get; private init; }

    /// <summary>Mean chroma, 0 to about 0.3.</summary>
    public double Vividness { get; private init; }

    /// <summary>Mean chroma along the hue of orange: above 0 warm, below 0 cool.</summary>
    public double Warmth { get; private init; }

    /// <summary>Measures a photo.</summary>
    /// <param name="photo">[3,H,W], uint8, sRGB.</param>
    public static PhotoLook Measure(Tensor photo)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor whole = photo.to(float32).div(255).unsqueeze(0); // [1,3,H,W]
        var shades = new Shade[Side * Side];
        float[] pixels = Shrunk(whole, Side); // red, green, blue planes
        for (int i = 0; i < shades.Length; i++)
            shades[i] = Shade.Of(pixels[i], pixels[shades.Length + i], pixels[2 * shades.Length + i]);
        Tensor luma = (whole * tensor(new[] { 0.299f, 0.587f, 0.114f }).reshape(1, 3, 1, 1)).sum([1], keepdim: true);
        return new Measurement(
            shades,
            new EdgeMap(Shrunk(luma, CoarseSide), CoarseSide),
            new EdgeMap(Shrunk(luma, FineSide), FineSide)
        ).Look();
    }

    private static float[] Shrunk(Tensor photo, int side) =>
        nn
            .functional.interpolate(
                photo,
                [side, side],
                mode: InterpolationMode.Bicubic,
                align_corners: false,
                antialias: true
            )
            .contiguous()
            .data<float>()
            .ToArray();

    private sealed class Measurement(Shade[] shades, EdgeMap coarse, EdgeMap fine)
    {
        private readonly EdgeMap _edges = new([.. shades.Select(s => s.Lightness)], Side);

        public PhotoLook Look()
        {
            ColourHistogram all = Histogram((_, _) => true);
            ColourHistogram centre = Histogram(InCentre);
            ColourHistogram frame = Histogram(InFrame);
            // A few pixels of colour, a traffic light at night, make a colour photo.
            bool monochrome = shades.Count(s => s.Chroma > 0.02f) < 0.03 * shades.Length;
            PhotoBackground background = Backdrop(frame);
            bool sky = IsBlueSky();
            return new PhotoLook
            {
                Light = Light(),
                Background = background,
                Framing =
                    background == PhotoBackground.Blurred ? PhotoFraming.CloseUp
                    : IsWide() ? PhotoFraming.Wide
                    : PhotoFraming.Usual,
                Monochrome = monochrome,
                Contrast = Deviation(_ => true),
                BlueSky = sky,
                Greenery = Greenery(),
                Detail = _edges.Mean((_, _) => true),
                LighterSide = LighterSide(),
                Vividness = shades.Average(s => s.Chroma),
                Warmth = shades.Average(s => s.Chroma * Math.Cos((s.Hue - 60) * Math.PI / 180)),
                Subject = Subject(centre, frame),
                Surround = frame.Dominant(0.5),
                Centre = centre.Dominant(0.5),
                Left = Histogram((x, _) => x < 0.33).Dominant(),
                Right = Histogram((x, _) => x > 0.67).Dominant(),
                Top = Histogram((_, y) => y < 0.33).Dominant(),
                Bottom = Histogram((_, y) => y > 0.67).Dominant(),
                Palette = [.. all.Ordered().TakeWhile(c => c.Share >= 0.125)],
            };
        }

        private static bool InCentre(double x, double y) => Square(x - 0.5) + Square(y - 0.5) < Square(0.27);

        private static bool InFrame(double x, double y) => Math.Max(Math.Abs(x - 0.5), Math.Abs(y - 0.5)) > 0.36;

        private static double Square(double value) => value * value;

        private static int[] Pixels(PhotoPart part) => EdgeMap.Pixels(part, Side);

        private ColourHistogram Histogram(PhotoPart part)
        {
            var histogram = new ColourHistogram();
            foreach (int i in Pixels(part))
                histogram.Add(shades[i]);
            return histogram;
        }

        private double Deviation(Func<int, bool> which)
        {
            double[] values =
            [
                .. Enumerable.Range(0, shades.Length).Where(which).Select(i => (double)shades[i].Lightness),
            ];
            double mean = values.Average();
            return Math.Sqrt(values.Average(v => Square(v - mean)));
        }

        private PhotoLight Light() =>
            shades.Average(s => s.Lightness) switch
            {
                < 0.3f => PhotoLight.Dark,
                < 0.4f => PhotoLight.Dim,
                > 0.77f => PhotoLight.Bright,
                _ => PhotoLight.Usual,
            };

        private PhotoBackground Backdrop(ColourHistogram frame)
        {
            RegionColour first = frame.Ordered().First();
            bool empty = first.Name is ColourName.Black or ColourName.White;
            bool even = empty || Deviation([.. Pixels(InFrame)]) < 0.045;
            if (even && first.Share > (empty ? 0.75 : 0.85) && _edges.Mean(InFrame) < 0.03)
                return PhotoBackground.Plain;
            if (empty && first.Share > 0.5)
                return PhotoBackground.Busy;
            // Out of focus, a step between pixels shrinks with the pixels; in focus, or in noise, it does not.
            double around = Sharpness(InFrame);
            return around < 1.6 && coarse.Mean(InFrame) > 0.05 && Sharpness(InCentre) > 1.4 * around
                ? PhotoBackground.Blurred
                : PhotoBackground.Busy;
        }

        private double Sharpness(PhotoPart part) =>
            FineSide / CoarseSide * fine.Mean(part) / Math.Max(1e-6, coarse.Mean(part));

        private double Deviation(HashSet<int> pixels) => Deviation(pixels.Contains);

        private string? LighterSide()
        {
            double Mean(PhotoPart part) => Pixels(part).Average(i => shades[i].Lightness);
            double across = Mean((x, _) => x > 0.5) - Mean((x, _) => x < 0.5);
            double down = Mean((_, y) => y > 0.5) - Mean((_, y) => y < 0.5);
            if (Math.Max(Math.Abs(across), Math.Abs(down)) < 0.14)
                return null;
            return Math.Abs(across) > Math.Abs(down) ? (across > 0 ? "right" : "left") : (down > 0 ? "bottom" : "top");
        }

        private bool IsBlueSky()
        {
            static bool IsSky(Shade s) =>
                s.Hue is > 222 and < 272 && s.Chroma is > 0.035f and < 0.17f && s.Lightness > 0.5f;
            int[] top = [.. Pixels((_, y) => y < 0.2)];
            int[] bottom = [.. Pixels((_, y) => y > 0.75)];
            return top.Count(i => IsSky(shades[i])) > 0.8 * top.Length
                && bottom.Count(i => IsSky(shades[i])) < 0.25 * bottom.Length
                && top.Average(i => _edges[i]) < 0.022;
        }

        private double Greenery()
        {
            static bool IsLeaf(Shade s) =>
                s.Hue is > 108 and < 150 && s.Chroma > 0.045f && s.Lightness is > 0.25f and < 0.85f;
            return Enumerable.Range(0, shades.Length).Count(i => IsLeaf(shades[i]) && _edges[i] > 0.02f)
                / (double)shades.Length;
        }

        private bool IsWide()
        {
            int[] top = [.. Pixels((_, y) => y < 0.2)];
            bool open =
                top.Average(i => _edges[i]) < 0.015
                && top.Average(i => shades[i].Lightness) > 0.6
                && top.Count(i => shades[i].Name is ColourName.Blue or ColourName.Grey or ColourName.White)
                    > 0.9 * top.Length;
            double middle = _edges.Mean((x, y) => y > 0.35 && x is > 0.3 and < 0.7);
            double left = _edges.Mean((x, y) => y > 0.35 && x < 0.2);
            double right = _edges.Mean((x, y) => y > 0.35 && x > 0.8);
            return open && middle > 0.025 && Math.Min(left, right) > 0.6 * middle;
        }

        // What the middle has more of than the frame.
        private static RegionColour? Subject(ColourHistogram centre, ColourHistogram frame)
        {
            RegionColour best = Enum.GetValues<ColourName>()
                .Select(centre.Of)
                .MaxBy(c => c.Share - frame.Share(c.Name));
            return best.Share >= 0.42 && best.Share - frame.Share(best.Name) >= 0.25 ? best : null;
        }
    }
}
