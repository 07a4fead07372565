using System.Text;
using System.Xml;
using System.Xml.Linq;

namespace Coser.Imaging;

/// <summary>The XMP packet of a photo: keeps what is in it, adds the record, corrects what no longer holds.</summary>
internal static class XmpPacket
{
    private const string Begin = "<?xpacket begin=\"\uFEFF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n";
    private const string End = "\n<?xpacket end=\"w\"?>";
    private const int MaxCharacters = 16 << 20;
    private static readonly XNamespace Own = "urn:coser-for-dotnet:record:1.0:";
    private static readonly XNamespace Meta = "adobe:ns:meta/";
    private static readonly XNamespace Rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
    private static readonly XNamespace Tiff = "http://ns.adobe.com/tiff/1.0/";
    private static readonly XNamespace Exif = "http://ns.adobe.com/exif/1.0/";
    private static readonly XName RecordName = Own + "Record";

    // True of the small picture only: previews, and what points at a gain map that is not written.
    private static readonly XName[] StaleNames =
    [
        (XNamespace)"http://ns.adobe.com/xap/1.0/" + "Thumbnails",
        (XNamespace)"http://ns.google.com/photos/1.0/container/" + "Directory",
        (XNamespace)"http://ns.adobe.com/hdr-gain-map/1.0/" + "Version",
        (XNamespace)"http://ns.adobe.com/xmp/note/" + "HasExtendedXMP",
    ];

    /// <summary>The record in a packet; null when there is none or it is no XML.</summary>
    public static string? ReadRecord(byte[] packet)
    {
        XElement? root = Parse(packet)?.Root;
        // RDF lets a simple property be written as an element or as an attribute, and editors change one into the other.
        return root?.Descendants(RecordName).FirstOrDefault()?.Value
            ?? root?.Descendants().Attributes(RecordName).FirstOrDefault()?.Value;
    }

    /// <summary>The packet for the output; null when there is nothing to write.</summary>
    /// <param name="existing">The photo's own packet, if any.</param>
    /// <param name="record">The record, if any. An old one is removed either way: it tells of another file.</param>
    /// <param name="sound">False when the photo's packet is no XMP: then it is given back as it is.</param>
    public static byte[]? Update(byte[]? existing, int width, int height, string? record, out bool sound)
    {
        XDocument? document = existing is null ? Empty() : Parse(existing);
        XElement? rdf = document?.Descendants(Rdf + "RDF").FirstOrDefault();
        sound = rdf is not null;
        if (rdf is null)
            return existing;
        if (existing is null && record is null)
            return null;
        Set(rdf, Tiff + "Orientation", 1);
        Set(rdf, Tiff + "ImageWidth", width);
        Set(rdf, Tiff + "ImageLength", height);
        Set(rdf, Exif + "PixelXDimension", width);
        Set(rdf, Exif + "PixelYDimension", height);
        foreach (XName name in StaleNames.Append(RecordName))
        {
            rdf.Descendants(name).Remove();
            rdf.Descendants().Attributes(name).Remove();
        }
        if (record is not null)
        {
            rdf.Add(
                new XElement(
                    Rdf + "Description",
                    new XAttribute(Rdf + "about", About(rdf)),
                    new XAttribute(XNamespace.Xmlns + "coser", Own.NamespaceName),
                    new XElement(RecordName, Printable(record))
                )
            );
        }
        return Serialise(document!.Root!);
    }

    // Only what is there already: a photo without these tags needs none.
    private static void Set(XElement rdf, XName name, int value)
    {
        foreach (XElement element in rdf.Descendants(name))
            element.Value = XmlConvert.ToString(value);
        foreach (XAttribute attribute in rdf.Descendants().Attributes(name))
            attribute.Value = XmlConvert.ToString(value);
    }

    // All descriptions of a packet speak about the same thing.
    private static string About(XElement rdf) =>
        rdf.Elements(Rdf + "Description").Attributes(Rdf + "about").FirstOrDefault()?.Value ?? "";

    private static string Printable(string text) =>
        string.Concat(
            text.EnumerateRunes()
                .Where(r => r.Value is '\n' or '\t' || (r.Value >= ' ' && r.Value is not (0xFFFE or 0xFFFF)))
        );

    private static XDocument Empty() =>
        new(
            new XElement(
                Meta + "xmpmeta",
                new XAttribute(XNamespace.Xmlns + "x", Meta.NamespaceName),
                new XElement(Rdf + "RDF", new XAttribute(XNamespace.Xmlns + "rdf", Rdf.NamespaceName))
            )
        );

    private static XDocument? Parse(byte[] packet)
    {
        int length = packet.Length;
        while (length > 0 && packet[length - 1] == 0)
            length--;
        var settings = new XmlReaderSettings
        {
            DtdProcessing = DtdProcessing.Prohibit,
            XmlResolver = null,
            MaxCharactersInDocument = MaxCharacters,
        };
        try
        {
            using var stream = new MemoryStream(packet, 0, length, writable: false);
            using var reader = XmlReader.Create(stream, settings);
            return XDocument.Load(reader, LoadOptions.PreserveWhitespace);
        }
        catch (Exception e) when (e is XmlException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    private static byte[] Serialise(XElement root)
    {
        var text = new StringBuilder(Begin);
        var settings = new XmlWriterSettings { OmitXmlDeclaration = true, NewLineHandling = NewLineHandling.Entitize };
        using (var writer = XmlWriter.Create(text, settings))
            root.WriteTo(writer);
        return Encoding.UTF8.GetBytes(text.Append(End).ToString());
    }
}
