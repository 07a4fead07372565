using NetVips;

namespace Coser.Imaging;

/// <summary>Small pictures of photos that every browser can show: upright, sRGB, 8 bits, no metadata.</summary>
public static class PhotoView
{
    private const int Quality = 88;

    /// <summary>Writes a view of a photo; it is never larger than the photo.</summary>
    /// <param name="photo">The file.</param>
    /// <param name="folder">Where the view goes.</param>
    /// <param name="stem">Its name; the extension follows from the photo: .webp if it is transparent, else .jpg.</param>
    /// <param name="longestSide">In pixels.</param>
    /// <param name="limits">Null is <see cref="PhotoLimits.Default"/>.</param>
    /// <returns>The path of the view, which appears whole.</returns>
    /// <exception cref="PhotoException">It is no photo, damaged, or larger than the limit; or the view cannot be written.</exception>
    public static string Write(string photo, string folder, string stem, int longestSide, PhotoLimits? limits = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(longestSide);
        using Image whole = PhotoDecoder.OpenShrunk(photo, longestSide, limits ?? PhotoLimits.Default);
        return VipsEngine.Reading(
            photo,
            () =>
            {
                using Image small = whole.ThumbnailImage(
                    longestSide,
                    height: longestSide,
                    size: Enums.Size.Down,
                    outputProfile: "srgb",
                    intent: Enums.Intent.Perceptual
                );
                string path = Path.Combine(folder, stem + (small.HasAlpha() ? ".webp" : ".jpg"));
                string partial = $"{path}.{Guid.NewGuid():n}.partial";
                try
                {
                    if (small.HasAlpha())
                        small.Webpsave(partial, q: Quality, effort: 2, keep: Enums.ForeignKeep.None);
                    else
                        small.Jpegsave(
                            partial,
                            q: Quality,
                            subsampleMode: Enums.ForeignSubsample.Off,
                            keep: Enums.ForeignKeep.None
                        );
                    File.Move(partial, path, overwrite: true);
                }
                catch (IOException e)
                {
                    throw new PhotoException(path, e.Message, "Check that the disk is not full.", e);
                }
                finally
                {
                    File.Delete(partial);
                }
                return path;
            }
        );
    }
}
