namespace Coser.Training.Captions;

/// <summary>Labels as parts of a sentence.</summary>
public static class LabelWords
{
    private static readonly HashSet<string> Uncountable = new(StringComparer.Ordinal)
    {
        "broccoli",
        "corn",
        "ginger",
        "garlic",
        "asparagus",
        "cauliflower",
        "spinach",
        "guacamole",
        "ice cream",
        "chocolate sauce",
        "carbonara",
        "espresso",
        "red wine",
        "dough",
        "hay",
        "toilet paper",
        "velvet",
        "wool",
        "chain mail",
    };

    private static readonly HashSet<string> Places = new(StringComparer.Ordinal)
    {
        "sea",
        "mountain",
        "forest",
        "street",
        "buildings",
        "glacier",
        "bedroom",
        "kitchen",
        "bathroom",
        "house front",
        "cliff",
        "valley",
        "seashore",
        "lakeside",
        "promontory",
        "alp",
    };

    /// <summary>True for what fills a photo rather than standing in it: the sea, a kitchen, a texture.</summary>
    public static bool IsPlace(string label) =>
        Places.Contains(label) || label.EndsWith(" texture", StringComparison.Ordinal);

    /// <summary>A label with its article, in small letters: "a beagle", "an airplane", "the sea", "buildings".</summary>
    /// <param name="label">A class in plain words.</param>
    /// <param name="before">An adjective to stand before it; empty: none.</param>
    public static string Phrase(string label, string before = "")
    {
        label = label.ToLowerInvariant();
        string words = before.Length > 0 ? $"{before} {label}" : label;
        if (label == "sea")
            return "the " + words;
        bool many = label.EndsWith('s') && !label.EndsWith("ss", StringComparison.Ordinal) && !IsSingular(label);
        if (many || Uncountable.Contains(label))
            return words;
        return (IsVowel(words) ? "an " : "a ") + words;
    }

    // Names in -us, -is, -as and possessives are no plurals: hibiscus, clematis, ...
    private static bool IsSingular(string label) =>
        label.Length > 2 && (label[^2] is 'u' or 'i' or 'a' || label[^2] == '\'');

    private static bool IsVowel(string words) =>
        words[0] is 'a' or 'e' or 'i' or 'o'
        || (
            words[0] == 'u'
            && !words.StartsWith("uni", StringComparison.Ordinal)
            && !words.StartsWith("use", StringComparison.Ordinal)
        );
}
