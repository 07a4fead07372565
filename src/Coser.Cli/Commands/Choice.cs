using System.CommandLine;
using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace Coser.Cli.Commands;

/// <summary>Kinds of options that several commands share; each refuses a wrong value in one sentence.</summary>
internal static class Choice
{
    /// <summary>An option with a few fixed values, the first of which is its default.</summary>
    public static Option<T> Of<T>(string name, string description)
        where T : struct, Enum
    {
        Option<T> option = Named<T, T>(name, description, value => value);
        option.DefaultValueFactory = _ => default;
        return option;
    }

    /// <summary>An option with a few fixed values; null when it is not given.</summary>
    public static Option<T?> Maybe<T>(string name, string description)
        where T : struct, Enum => Named<T, T?>(name, description, value => value);

    private static Option<TOption> Named<T, TOption>(string name, string description, Func<T, TOption> made)
        where T : struct, Enum
    {
        string[] values = [.. Enum.GetNames<T>().Select(Kebab)];
        string otherwise = $"{name} must be {string.Join(", ", values[..^1])} or {values[^1]}";
        var option = new Option<TOption>(name)
        {
            Description = description,
            HelpName = string.Join('|', values),
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                int at = Array.FindIndex(values, v => string.Equals(v, text, StringComparison.OrdinalIgnoreCase));
                if (at >= 0)
                    return made(Enum.GetValues<T>()[at]);
                result.AddError($"{otherwise}, not '{text}'.");
                return default;
            },
        };
        option.CompletionSources.Clear();
        option.CompletionSources.Add(values);
        return option;
    }

    // "DpmSde" -> "dpm-sde", but "AdaIn" -> "adain": as the field writes them.
    private static string Kebab(string name) =>
        name == "AdaIn" ? "adain" : JsonNamingPolicy.KebabCaseLower.ConvertName(name);

    /// <summary>A number in a range; null when it is not given.</summary>
    /// <param name="must">The range in words: "be from 1 to 100".</param>
    public static Option<T?> Number<T>(string name, string description, Func<T, bool> accepts, string must)
        where T : struct, INumber<T> =>
        new(name)
        {
            Description = description,
            CustomParser = result =>
            {
                string text = result.Tokens[0].Value;
                // No thousands separators: "0,5" would be read as 5.
                const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint;
                if (T.TryParse(text, Style, CultureInfo.InvariantCulture, out T value) && accepts(value))
                    return value;
                result.AddError($"{name} must {must}, not '{text}'.");
                return null;
            },
        };

    public static Option<bool> Json(string description) => new("--json") { Description = description };
}
