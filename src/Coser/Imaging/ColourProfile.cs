using NetVips;

namespace Coser.Imaging;

/// <summary>An ICC profile that a photo carries, and the ways between its colours and sRGB. 16 bits on both sides.</summary>
internal sealed class ColourProfile
{
    // What a profile may differ from sRGB and still be it: rounding of curves and matrices, in 16-bit steps (2 of 8 bits).
    private const double SameColour = 2 * 257;

    private ColourProfile(byte[] bytes, string space)
    {
        Bytes = bytes;
        Space = space;
        Name = IccHeader.Name(bytes);
    }

    public byte[] Bytes { get; }
    public string? Name { get; }

    /// <summary>"RGB ", "GRAY" or "CMYK".</summary>
    public string Space { get; }

    /// <summary>Its colours are sRGB's (or, for grey, follow sRGB's curve): no transform is made.</summary>
    public bool IsSrgb { get; private set; }

    /// <summary>Colours can be brought back into it. CMYK and input-only profiles (scanners) end as sRGB.</summary>
    public bool IsReturnable { get; private set; }

    /// <summary>The profile, tried out; null when it is damaged or not of the image's kind.</summary>
    /// <param name="space">The colour space signature that the image needs.</param>
    public static ColourProfile? Create(byte[] icc, string space)
    {
        if (IccHeader.Space(icc) != space)
            return null;
        var profile = new ColourProfile(icc, space);
        try
        {
            profile.Examine();
            return profile;
        }
        catch (VipsException)
        {
            return null;
        }
    }

    /// <summary>From the profile's colours to sRGB: 16 bits, as many bands as the photo has (CMYK: 3).</summary>
    public Image ToSrgb(Image own)
    {
        using var file = new ProfileFile(Bytes);
        Image rgb = Transform(own, file.Path, "srgb");
        return PixelDepth.Tagged(Space == "GRAY" ? rgb[0] : rgb);
    }

    /// <summary>From 16-bit sRGB (1 band for grey) to the profile's colours, 16 bits.</summary>
    public Image FromSrgb(Image srgb)
    {
        Image rgb = Space == "GRAY" ? PixelDepth.Tagged(srgb.Bandjoin(srgb, srgb)) : srgb;
        using var file = new ProfileFile(Bytes);
        return PixelDepth.Tagged(Transform(rgb, "srgb", file.Path));
    }

    /// <summary>CMYK to 16-bit sRGB through the profile, or through libvips' generic one when there is none.</summary>
    public static Image CmykToSrgb(Image cmyk, ColourProfile? profile) =>
        profile?.ToSrgb(cmyk) ?? PixelDepth.Tagged(Transform(cmyk, "cmyk", "srgb"));

    private static Image Transform(Image image, string from, string to) =>
        image.IccTransform(
            to,
            intent: Enums.Intent.Relative,
            blackPointCompensation: true,
            inputProfile: from,
            depth: 16
        );

    private void Examine()
    {
        using Image swatches = Swatches();
        using Image srgb = ToSrgb(swatches);
        if (Space == "CMYK")
        {
            srgb.Avg();
            return;
        }
        IsSrgb = Difference(srgb, swatches) <= SameColour;
        try
        {
            using Image back = FromSrgb(srgb);
            back.Avg();
            IsReturnable = true;
        }
        catch (VipsException)
        {
            IsReturnable = IsSrgb;
        }
    }

    private static double Difference(Image a, Image b)
    {
        using Image difference = (a - b).Abs();
        return difference.Max();
    }

    // Every combination of 9 levels of each band, the corners of the gamut among them.
    private Image Swatches()
    {
        const int Levels = 9;
        int bands = Space switch
        {
            "GRAY" => 1,
            "RGB " => 3,
            _ => 4,
        };
        int count = (int)Math.Pow(Levels, bands);
        var values = new ushort[count * bands];
        for (int i = 0, rest = 0; i < values.Length; i++, rest /= Levels)
        {
            if (i % bands == 0)
                rest = i / bands;
            values[i] = (ushort)(rest % Levels * 65535 / (Levels - 1));
        }
        using Image raw = Image.NewFromMemory(values, count, 1, bands, Enums.BandFormat.Ushort);
        return bands == 4 ? raw.Copy(interpretation: Enums.Interpretation.Cmyk).CopyMemory() : PixelDepth.Tagged(raw);
    }

    // libvips takes profiles by file name only; it reads them while the operation is built.
    private readonly struct ProfileFile : IDisposable
    {
        public ProfileFile(byte[] bytes)
        {
            Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"coser-{Guid.NewGuid():n}.icc");
            File.WriteAllBytes(Path, bytes);
        }

        public string Path { get; }

        public void Dispose() => File.Delete(Path);
    }
}
