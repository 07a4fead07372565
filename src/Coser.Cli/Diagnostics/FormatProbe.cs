using NetVips;

namespace Coser.Cli.Diagnostics;

/// <summary>Writes and reads a tiny picture in every format, because a libvips without a codec only fails at the end.</summary>
internal static class FormatProbe
{
    private static readonly (string Name, string Suffix)[] Formats =
    [
        ("JPEG", ".jpg"),
        ("PNG", ".png"),
        ("WebP", ".webp"),
        ("TIFF", ".tiff"),
        ("AVIF", ".avif"),
    ];

    public static Finding Check(string name)
    {
        string version =
            $"libvips {NetVips.NetVips.Version(0)}.{NetVips.NetVips.Version(1)}.{NetVips.NetVips.Version(2)}";
        (string Name, bool Works)[] results = [.. Formats.Select(f => (f.Name, RoundTrips(f.Suffix)))];
        string working = string.Join(", ", results.Where(r => r.Works).Select(r => r.Name));
        string broken = string.Join(", ", results.Where(r => !r.Works).Select(r => r.Name));
        string detail = $"{version}: {(working.Length > 0 ? working : "no format")} work";
        if (broken.Length == 0)
            return new Finding(name, FindingState.Ok, detail);
        // JPEG and PNG are what nearly everybody needs.
        bool needed = results.Any(r => !r.Works && r.Name is "JPEG" or "PNG");
        return new Finding(
            name,
            needed ? FindingState.Fail : FindingState.Warn,
            $"{detail}; not {broken}",
            "The libvips found lacks these codecs; the NetVips.Native package of this build has them."
        );
    }

    private static bool RoundTrips(string suffix)
    {
        try
        {
            using Image black = Image.Black(16, 16, bands: 3);
            using Image grey = black + 128;
            using Image srgb = grey.Cast(Enums.BandFormat.Uchar).Copy(interpretation: Enums.Interpretation.Srgb);
            byte[] file = srgb.WriteToBuffer(suffix);
            using Image back = Image.NewFromBuffer(file);
            // Lossy codecs may be off by a little; a broken one is off by far.
            return back.Width == 16 && back.Height == 16 && Math.Abs(back.Avg() - 128) < 8;
        }
        catch (VipsException)
        {
            return false;
        }
    }
}
