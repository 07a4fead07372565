using NetVips;

namespace Coser.Imaging;

/// <summary>A photo's pixels, interpreted: colour apart from alpha, in the photo's own colours and in sRGB.</summary>
/// <param name="Own">1 or 3 bands, 8 or 16 bits, in the colours of <paramref name="Profile"/>; filled under transparency.</param>
/// <param name="Srgb">The same in sRGB; the very same image when no transform is needed.</param>
/// <param name="Alpha">1 band, 8 or 16 bits; null for an opaque photo.</param>
/// <param name="Profile">The profile to embed on output; null is sRGB without one.</param>
/// <param name="BitDepth">8 or 16, as stored in the file.</param>
internal sealed record PhotoPixels(Image Own, Image Srgb, Image? Alpha, ColourProfile? Profile, int BitDepth)
{
    public const string ProfileField = "icc-profile-data";

    public bool IsGreyscale => Own.Bands == 1;

    /// <summary>Makes sense of what a decoder gave.</summary>
    /// <exception cref="PhotoException">Its channels or samples mean nothing to a photo program.</exception>
    public static PhotoPixels Interpret(string path, Image image, List<string> notes)
    {
        bool cmyk = image.Interpretation == Enums.Interpretation.Cmyk;
        int colours =
            cmyk ? 4
            : image.Bands <= 2 ? 1
            : 3;
        bool sound = cmyk
            ? image.Bands >= 4
            : image.Bands <= 4 || image.Interpretation != Enums.Interpretation.Multiband;
        if (!sound || image.Coding != Enums.Coding.None)
        {
            throw new PhotoException(
                path,
                $"its {image.Bands} channels are no colours that are known here",
                "Export it as RGB or greyscale."
            );
        }
        if (image.Bands > colours + 1)
            notes.Add($"{image.Bands - colours - 1} extra channels are left out");
        Image colour = image.ExtractBand(0, n: colours);
        Image? alpha = image.Bands > colours ? image[colours] : null;
        byte[]? icc = image.Contains(ProfileField) ? image.Get(ProfileField) as byte[] : null;
        int depth = image.Format == Enums.BandFormat.Uchar ? 8 : 16;

        bool isFloat = image.Format is Enums.BandFormat.Float or Enums.BandFormat.Double;
        if (image.Interpretation is Enums.Interpretation.Lab or Enums.Interpretation.Labs or Enums.Interpretation.Xyz)
        {
            colour = colour.Colourspace(Enums.Interpretation.Rgb16);
            alpha = alpha is null ? null : PixelDepth.Round16(alpha.Linear([65535 / LargestAlpha(image)], [0.0]));
            icc = null;
            notes.Add("Lab converted to sRGB");
        }
        else if (isFloat)
        {
            colour = FromFloat(colour, encoded: icc is not null);
            alpha = alpha is null ? null : PixelDepth.Round16(alpha.Linear([65535.0], [0.0]));
            notes.Add(
                icc is null
                    ? "floating-point samples taken as linear light"
                    : "floating-point samples stored as 16 bits"
            );
        }
        else if (image.Format is not (Enums.BandFormat.Uchar or Enums.BandFormat.Ushort))
        {
            throw new PhotoException(
                path,
                $"its samples are of an unusual type ({image.Format})",
                "Export it with 8 or 16 bits a channel."
            );
        }
        if (!cmyk)
            colour = PixelDepth.Tagged(colour);
        if (alpha is not null)
            alpha = PixelDepth.Tagged(alpha);
        return WithProfile(colour, alpha, icc, depth, cmyk, notes);
    }

    private static PhotoPixels WithProfile(
        Image colour,
        Image? alpha,
        byte[]? icc,
        int depth,
        bool cmyk,
        List<string> notes
    )
    {
        string space =
            cmyk ? "CMYK"
            : colour.Bands == 1 ? "GRAY"
            : "RGB ";
        ColourProfile? profile = icc is null ? null : ColourProfile.Create(icc, space);
        if (icc is not null && profile is null)
            notes.Add("the colour profile is damaged or of another kind than the photo, and is left out");
        if (cmyk)
        {
            notes.Add(
                $"CMYK converted to sRGB through {profile?.Name ?? (profile is null ? "a generic profile" : "its profile")}"
            );
            colour = ColourProfile.CmykToSrgb(colour, profile);
            profile = null;
        }
        else if (profile is { IsReturnable: false })
        {
            notes.Add($"{profile.Name ?? "the colour profile"} is for input only: converted to sRGB");
            colour = profile.ToSrgb(colour);
            profile = null;
        }
        if (alpha is not null)
            colour = AlphaFill.Fill(colour, alpha);
        bool same = profile is null or { IsSrgb: true };
        return new PhotoPixels(colour, same ? colour : profile!.ToSrgb(colour), alpha, profile, depth);
    }

    /// <summary>This photo enlarged: colours from <paramref name="picture"/>, alpha from this one.</summary>
    /// <param name="picture">3 bands, 16 bits, sRGB, already of the new size.</param>
    public PhotoPixels Enlarged(Image picture)
    {
        Image srgb = IsGreyscale ? PixelDepth.Tagged(picture.Bandmean()) : picture;
        Image? alpha = Alpha is null ? null : PixelDepth.To(Stretched(Alpha, srgb), BitDepth);
        if (Profile is null or { IsSrgb: true })
        {
            Image stored = PixelDepth.To(srgb, BitDepth);
            return new PhotoPixels(stored, stored, alpha, Profile, BitDepth);
        }
        Image own = PixelDepth.Round16(Profile.FromSrgb(srgb) + Stretched(Outside(), srgb));
        return new PhotoPixels(PixelDepth.To(own, BitDepth), srgb, alpha, Profile, BitDepth);
    }

    // What the way to sRGB and back takes from saturated colours (float, 16-bit steps, about 0 elsewhere).
    private Image Outside() => (PixelDepth.To16(Own) - Profile!.FromSrgb(Srgb)).Cast(Enums.BandFormat.Float);

    // Cubic: its one negative lobe is clipped at an edge from 0 to 255, where Lanczos' second lobe would leave a faint ring.
    private static Image Stretched(Image image, Image like)
    {
        Image stretched = image.Resize(
            like.Width / (double)image.Width,
            Enums.Kernel.Cubic,
            vscale: like.Height / (double)image.Height
        );
        return stretched.Width == like.Width && stretched.Height == like.Height
            ? stretched
            : stretched.Gravity(Enums.CompassDirection.Centre, like.Width, like.Height, Enums.Extend.Copy);
    }

    private static Image FromFloat(Image colour, bool encoded)
    {
        if (encoded)
            return PixelDepth.Round16(colour.Linear([65535.0], [0.0]));
        Image rgb = colour.Bands == 1 ? colour.Bandjoin(colour, colour) : colour;
        Image scene = rgb.Cast(Enums.BandFormat.Float).Copy(interpretation: Enums.Interpretation.Scrgb);
        Image srgb = scene.Colourspace(Enums.Interpretation.Rgb16);
        return colour.Bands == 1 ? srgb[0] : srgb;
    }

    private static double LargestAlpha(Image image) =>
        image.Format switch
        {
            Enums.BandFormat.Uchar or Enums.BandFormat.Float => 255,
            _ => 65535,
        };
}
