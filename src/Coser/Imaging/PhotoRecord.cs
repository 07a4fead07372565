namespace Coser.Imaging;

/// <summary>The short text that <see cref="SaveOptions.Record"/> leaves in a file: how the picture was made.</summary>
public static class PhotoRecord
{
    /// <summary>The record in a photo; null when there is none or the file is missing or damaged. Never throws for those.</summary>
    public static string? Read(string path)
    {
        try
        {
            return PhotoDecoder.ReadBlob(path, PhotoMetadata.XmpField) is { } packet
                ? XmpPacket.ReadRecord(packet)
                : null;
        }
        catch (PhotoException)
        {
            return null;
        }
    }
}
