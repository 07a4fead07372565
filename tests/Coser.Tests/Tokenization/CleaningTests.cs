using Coser.Tokenization;
using Coser.Tokenization.Mending;

namespace Coser.Tests.Tokenization;

/// <summary>Every expectation was confirmed with ftfy 6.3.1 and Python 3.11.</summary>
public sealed class CleaningTests
{
    [Theory]
    [InlineData("", "")]
    [InlineData("  A  Photo\t of\n\u00a0a CAT\u3000", "a photo of a cat")]
    [InlineData("“Curly” ‘quotes’ ʼn", "\"curly\" 'quotes' 'n")]
    [InlineData("ﬁ ﬂ ﬀ ﬃ ﬅ ŉ ǅ Ĳ", "fi fl ff ffi ſt 'n dž ij")]
    [InlineData("Ｆｕｌｌ　ｗｉｄｔｈ！ ｶﾞｷﾞ ￣￦", "full width! ガギ \u0304₩")]
    [InlineData("ᅡﾱﾡￂ", "ᅡᄆ가")]
    [InlineData("e\u0323\u0302 a\u0301 \u1100\u1161\u11a8 \u212b \u0958", "ệ á 각 å क़")]
    [InlineData("\u001b[36;44mblue\u001b[0m", "blue")]
    [InlineData("a\u0000b\u0007c\ufeffd\u206ae\ufffcf\u007fg", "abcdefg")]
    [InlineData("zero\u200bwidth \u202eover", "zero\u200bwidth \u202eover")]
    [InlineData("a\r\nb\rc\u2028d", "a b c d")]
    public void Characters(string text, string cleaned) => Assert.Equal(cleaned, TextCleaning.Clean(text));

    [Theory]
    [InlineData("schÃ¶n", "schön")]
    [InlineData("donâ€™t", "don't")]
    [InlineData("âœ” No problems", "✔ no problems")]
    [InlineData("l’humanitÃ©", "l'humanité")]
    [InlineData("Ã la mode", "à la mode")]
    [InlineData("voilÃ le travail", "voilà le travail")]
    [InlineData("â€œlossyâ€\ufffd", "\"lossy\ufffd")]
    [InlineData("РїСЂРёРІРµС‚", "привет")]
    [InlineData("Î•Î»Î»Î¬Ï‚", "ελλάς")]
    [InlineData("ÃƒÂ©", "é")]
    [InlineData("√© caf√©", "é café")]
    [InlineData("├⌐t├⌐", "été")]
    [InlineData("\u0093quoted\u0094 \u0085", "\"quoted\" …")]
    [InlineData("í\u00a0½í¸\u0080", "😀")]
    [InlineData("café £5 Ångström naïve — fine…", "café £5 ångström naïve — fine…")]
    public void Mojibake(string text, string cleaned) => Assert.Equal(cleaned, TextCleaning.Clean(text));

    [Theory]
    [InlineData("&lt;b&gt; &amp;amp;amp; more", "<b> & more")]
    [InlineData("&copy 2020 &copyright &notit; &notin;", "© 2020 ©right ¬it; ∉")]
    [InlineData("P&EACUTE;REZ stra&SZLIG;e &nTILDE;", "pérez strasse &ntilde;")]
    [InlineData("&checkmark; &CounterClockwiseContourIntegral; &bne;", "✓ ∳ =\u20e5")]
    [InlineData("&#8482; &#x3B1; &#150; &#0; &#xD800; &#x110000; &#99999999999;", "™ α – \ufffd \ufffd \ufffd \ufffd")]
    [InlineData("&#xfffe;&#1;&#65;&#66 &# &; &qwe;", "ab &# &; &qwe;")]
    public void Html(string text, string cleaned) => Assert.Equal(cleaned, TextCleaning.Clean(text));

    // Not data of a theory: attributes cannot hold half a character.
    [Fact]
    public void Halves_of_characters_are_replaced() =>
        Assert.Equal("half \ufffd a \ufffd pair 😀", TextCleaning.Clean("half \ud800 a \udc00 pair \ud83d\ude00"));

    [Fact]
    public void Markup_keeps_its_entities_from_its_line_on()
    {
        Assert.Equal("é\n<p>&eacute;\n&eacute;", TextMender.Mend("&eacute;\n<p>&eacute;\n&eacute;"));
    }

    [Theory]
    [InlineData("İstanbul I ẞ", "i\u0307stanbul i ß")]
    [InlineData("ΟΔΥΣΣΕΥΣ ΑΣ. Σ aΣ'B ΑΣ\u0301", "οδυσσευς ας. σ aσ'b ας\u0301")]
    [InlineData("𐐀Σ 1Σ ⒶΣ", "𐐨ς 1σ ⓐς")]
    [InlineData("ǅ Ω K ſ", "ǆ ω k ſ")]
    public void Small_letters_are_Pythons(string text, string lower) => Assert.Equal(lower, TextCleaning.Lower(text));

    [Fact]
    public void Long_lines_are_mended_in_segments_that_split_no_character()
    {
        string text = "a" + string.Concat(Enumerable.Repeat("😀", 500_001));
        Assert.Equal(text, TextMender.Mend(text));
    }

    [Theory]
    [InlineData("it's we've 'em 'ſo", new[] { "it", "'s", "we", "'ve", "'", "em", "'ſ", "o" })]
    [InlineData("h2o 10.5km", new[] { "h", "2", "o", "1", "0", ".", "5", "km" })]
    [InlineData("a--b ...!c", new[] { "a", "--", "b", "...!", "c" })]
    [InlineData(
        "<start_of_text>x !<end_of_text>",
        new[] { "<start_of_text>", "x", "!<", "end", "_", "of", "_", "text", ">" }
    )]
    [InlineData("𐐨𝒥x 𝟘𝟙 😀👍", new[] { "𐐨𝒥x", "𝟘", "𝟙", "😀👍" })]
    [InlineData("①ⅳ½ a\u0301 a\u0345b", new[] { "①", "ⅳ", "½", "a", "\u0301", "a", "b" })]
    public void Words(string text, string[] words) => Assert.Equal(words, WordSplitter.Split(text));
}
