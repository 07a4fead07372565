namespace Coser.Training.Captions;

/// <summary>The colour of a part of a photo.</summary>
/// <param name="Name">The most frequent colour.</param>
/// <param name="Share">Its share of the part's pixels, 0 to 1.</param>
/// <param name="Lightness">Mean lightness of those pixels, 0 to 1.</param>
/// <param name="Chroma">Their mean chroma.</param>
public readonly record struct RegionColour(ColourName Name, double Share, double Lightness, double Chroma)
{
    /// <summary>The colour in words: "green", "dark green", "light blue".</summary>
    public string Words
    {
        get
        {
            string word = Name.ToString().ToLowerInvariant();
            bool plain = Name is ColourName.Black or ColourName.White or ColourName.Beige or ColourName.Yellow;
            if (plain)
                return word;
            if (Lightness < (Name == ColourName.Brown ? 0.36 : 0.43))
                return "dark " + word;
            return Lightness > 0.78 && Name is not (ColourName.Pink or ColourName.Orange) ? "light " + word : word;
        }
    }
}

/// <summary>How often each colour occurs in a part of a photo.</summary>
internal sealed class ColourHistogram
{
    private static readonly int Names = Enum.GetValues<ColourName>().Length;
    private readonly int[] _counts = new int[Names];
    private readonly double[] _lightness = new double[Names];
    private readonly double[] _chroma = new double[Names];
    private int _all;

    public void Add(Shade shade)
    {
        int name = (int)shade.Name;
        _counts[name]++;
        _lightness[name] += shade.Lightness;
        _chroma[name] += shade.Chroma;
        _all++;
    }

    public double Share(ColourName name) => _all == 0 ? 0 : _counts[(int)name] / (double)_all;

    public RegionColour Of(ColourName name)
    {
        int count = Math.Max(1, _counts[(int)name]);
        return new(name, Share(name), _lightness[(int)name] / count, _chroma[(int)name] / count);
    }

    /// <summary>Colours by share, the most frequent first.</summary>
    public IEnumerable<RegionColour> Ordered() =>
        Enum.GetValues<ColourName>().Select(Of).OrderByDescending(c => c.Share).ThenBy(c => c.Name);

    /// <summary>The colour of the whole part; null where no colour leads clearly.</summary>
    public RegionColour? Dominant(double share = 0.42)
    {
        RegionColour[] two = [.. Ordered().Take(2)];
        return two[0].Share >= share && two[1].Share <= 0.7 * two[0].Share ? two[0] : null;
    }
}
