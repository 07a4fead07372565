using Coser.Training.Degradation;

namespace Coser.Training.Captions;

/// <summary>All that can be said of one photo, and sentences drawn from it.</summary>
internal sealed class CaptionSentence
{
    // Facts of a topic would contradict or repeat each other.
    private readonly record struct Fact(string Topic, string Words, double Weight);

    private static readonly string[] Openings = ["a photo of", "a photo of", "a picture of", "an image of"];

    private readonly PhotoLook _look;
    private readonly string _label;
    private readonly List<Fact> _facts = [];

    public CaptionSentence(PhotoLook look, string label)
    {
        (_look, _label) = (look, label);
        if (look.Monochrome)
            Add("tone", "in black and white", 3);
        else
            AddColours();
        AddBackground();
        AddLight();
        if (look.LighterSide is { } side)
            Add("light", side is "left" or "right" ? $"lighter on the {side}" : $"lighter at the {side}", 0.8);
        if (look.BlueSky)
            Add("sky", "under a blue sky", 3);
        if (look.Greenery > 0.3 && !look.Monochrome)
            Add("green", Pick(look.Greenery > 0.55, "in lush greenery", "with greenery"), 2);
        if (look.Framing == PhotoFraming.Wide)
            Add("framing", "in a wide view", 1.5);
        if (look.Detail > 0.11)
            Add("detail", "full of fine detail", 1.2);
        else if (look.Detail < 0.018)
            Add("detail", "with smooth shapes", 1.2);
    }

    /// <summary>A sentence with up to three facts.</summary>
    /// <returns>The sentence, and what it says whatever its opening words.</returns>
    public (string Sentence, string Content) Draw(SeededDraws draws)
    {
        int wanted = draws.Choices([0, 1, 2, 3], _label.Length > 0 ? [0.04, 0.36, 0.44, 0.16] : [0, 0.3, 0.5, 0.2]);
        (string head, string adjective, HashSet<string> topics) =
            _label.Length > 0 ? Labelled(draws) : Unlabelled(draws);
        var chosen = new List<string>();
        while (chosen.Count < wanted)
        {
            Fact[] left = [.. _facts.Where(f => !topics.Contains(f.Topic))];
            if (left.Length == 0)
                break;
            Fact fact = draws.Choices(left, [.. left.Select(f => f.Weight)]);
            topics.Add(fact.Topic);
            chosen.Add(fact.Words);
        }
        string facts = chosen.Count == 0 ? "" : " " + string.Join(", ", chosen);
        string content = string.Join('|', chosen.Order(StringComparer.Ordinal).Append(adjective));
        return (head + facts, content);
    }

    private (string Head, string Adjective, HashSet<string> Topics) Labelled(SeededDraws draws)
    {
        var topics = new HashSet<string>(StringComparer.Ordinal);
        string adjective = "";
        if (SubjectColour is { } subject && draws.Random() < 0.55)
        {
            adjective = subject.Words;
            topics.UnionWith(["subject", "palette"]);
        }
        string subjectWords = LabelWords.Phrase(_label, adjective);
        double how = draws.Random();
        if (how < 0.22)
            return (subjectWords, adjective, topics);
        (string kind, string topic) = how < 0.6 ? Kind(draws) : ("", "");
        if (kind.Length == 0)
            return ($"{draws.Choice(Openings)} {subjectWords}", adjective, topics);
        topics.Add(topic);
        return ($"{kind} of {subjectWords}", adjective, topics);
    }

    // Places fill the photo, labels such as "red bell pepper" bring their own colour, and grey is mostly shadow.
    private RegionColour? SubjectColour =>
        LabelWords.IsPlace(_label) || NamesColour(_label) || _look.Monochrome || _look.Subject?.Name == ColourName.Grey
            ? null
            : _look.Subject;

    private (string Head, string Adjective, HashSet<string> Topics) Unlabelled(SeededDraws draws)
    {
        (string kind, string topic) = draws.Random() < 0.7 ? Kind(draws) : ("", "");
        return (kind.Length > 0 ? kind : draws.Choice(["a photo", "a picture", "an image"]), "", [topic]);
    }

    // What kind of photo it is, if that is worth a word.
    private (string Kind, string Topic) Kind(SeededDraws draws)
    {
        var kinds = new List<(string, string)>();
        if (_look.Framing == PhotoFraming.CloseUp && !LabelWords.IsPlace(_label))
            kinds.Add((draws.Choice(["a close-up", "a close-up photo"]), "framing"));
        if (_look.Framing == PhotoFraming.Wide)
            kinds.Add(("a wide photo", "framing"));
        if (_look.Light is PhotoLight.Dark or PhotoLight.Dim)
            kinds.Add(("a dark photo", "light"));
        if (_look.Light == PhotoLight.Bright)
            kinds.Add(("a bright photo", "light"));
        if (_look.Monochrome)
            kinds.Add(("a black and white photo", "tone"));
        if (IsColourful)
            kinds.Add(("a colourful photo", "palette"));
        return kinds.Count == 0 ? ("", "") : draws.Choice(kinds);
    }

    private bool IsColourful =>
        _look.Palette.Count(c => c.Chroma > 0.08 && c.Name is not (ColourName.Brown or ColourName.Beige)) >= 3;

    private void AddColours()
    {
        if (_look.Subject is { } subject)
            Add("subject", $"with {subject.Words} in the centre", 1.5);
        else if (_look.Centre is { } centre && centre.Name != _look.Surround?.Name)
            Add("subject", $"with {centre.Words} in the centre", 1);
        if (_look.Vividness > 0.11)
            Add("tones", "in vivid colours", 1);
        else if (_look.Vividness < 0.028)
            Add("tones", "in muted colours", 1);
        if (_look.Warmth > 0.05)
            Add("tones", "in warm colours", 0.8);
        else if (_look.Warmth < -0.03)
            Add("tones", "in cool colours", 0.8);
        AddPair("sides", _look.Top, "at the top", _look.Bottom, "at the bottom");
        AddPair("sides", _look.Left, "on the left", _look.Right, "on the right");
        string[] palette = [.. _look.Palette.Take(3).Select(c => c.Name.ToString().ToLowerInvariant())];
        if (palette.Length > 0 && _look.Palette[0].Share > 0.75)
            Add("palette", $"almost all {_look.Palette[0].Words}", 1);
        else if (palette.Length > 1)
            Add("palette", $"in {string.Join(", ", palette[..^1])} and {palette[^1]}", 1);
    }

    private void AddPair(string topic, RegionColour? first, string firstPlace, RegionColour? second, string secondPlace)
    {
        if (first is { } a && second is { } b)
        {
            if (a.Words != b.Words)
                Add(topic, $"with {a.Words} {firstPlace} and {b.Words} {secondPlace}", 1.5);
        }
        else if ((first ?? second) is { } one && one.Name != _look.Surround?.Name)
            Add(topic, $"with {one.Words} {(first is null ? secondPlace : firstPlace)}", 0.8);
    }

    private void AddBackground()
    {
        if (LabelWords.IsPlace(_label))
            return;
        string colour = _look.Surround is { } surround && !_look.Monochrome ? surround.Words + " " : "";
        string preposition = _label.Length > 0 ? "on" : "with";
        if (_look.Background == PhotoBackground.Plain)
            Add("background", $"{preposition} {Article($"plain {colour}background")}", 3);
        else if (_look.Background == PhotoBackground.Blurred)
            Add("background", $"with {Article($"blurred {colour}background")}", 3);
        else if (colour.Length > 0 && SubjectColour is { } subject && subject.Name != _look.Surround?.Name)
            Add("background", $"{preposition} {Article($"{colour}background")}", 2);
    }

    private void AddLight()
    {
        switch (_look.Light)
        {
            case PhotoLight.Dark:
                Add("light", "with very little light", 1.5);
                break;
            case PhotoLight.Dim:
                Add("light", "in dim light", 1.5);
                break;
            case PhotoLight.Bright:
                Add("light", "in bright light", 1.5);
                break;
        }
        if (_look.Contrast > 0.27)
            Add("contrast", "with strong contrast", 1);
        else if (_look.Contrast < 0.085)
            Add("contrast", "with little contrast", 1);
    }

    private void Add(string topic, string words, double weight) => _facts.Add(new Fact(topic, words, weight));

    private static string Article(string words) => (words[0] is 'a' or 'e' or 'i' or 'o' ? "an " : "a ") + words;

    private static string Pick(bool condition, string yes, string no) => condition ? yes : no;

    private static bool NamesColour(string label) =>
        label
            .Split(' ')
            .Any(word => Enum.TryParse(word, ignoreCase: true, out ColourName _) || word is "Golden" or "golden");
}
