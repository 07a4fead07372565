using System.CommandLine;
using System.CommandLine.Parsing;
using Coser.Cli.Upscaling;

namespace Coser.Cli.Help;

/// <summary>Says what is wrong with a command line, with a guess at what was meant.</summary>
internal static class UsageErrors
{
    /// <summary>The first mistake as a sentence; null when there is none.</summary>
    public static string? Find(ParseResult parsed)
    {
        if (parsed.Action is { ClearsParseErrors: true })
            return null; // --help and --version answer whatever else is on the line
        Command command = parsed.CommandResult.Command;
        if (parsed.UnmatchedTokens.Count > 0)
            return Unknown(command, parsed.UnmatchedTokens[0]);
        if (MisreadOption(parsed) is { } option)
            return Unknown(command, option);
        return parsed.Errors.Count > 0 ? Sentence(parsed.Errors[0].Message) : null;
    }

    // A command that takes file names would take "--overwite" for one. After "--", everything is a file name.
    private static string? MisreadOption(ParseResult parsed)
    {
        HashSet<Token> arguments = new(
            parsed.CommandResult.Children.OfType<ArgumentResult>().SelectMany(a => a.Tokens),
            ReferenceEqualityComparer.Instance
        );
        return parsed
            .Tokens.TakeWhile(t => t.Type != TokenType.DoubleDash)
            .FirstOrDefault(t => t.Value.Length > 1 && t.Value[0] == '-' && arguments.Contains(t))
            ?.Value;
    }

    private static string Unknown(Command command, string token)
    {
        bool option = token.StartsWith('-');
        string what =
            option ? "option"
            : command.Subcommands.Count > 0 ? "command"
            : "argument";
        string sentence = $"Unknown {what} '{token}'.";
        IEnumerable<string> names = option ? OptionNames(command) : command.Subcommands.Select(c => c.Name);
        if (Nearest(token, names) is { } near)
            return $"{sentence} Did you mean '{near}'?";
        // coser photo.jpg
        if (what == "command" && (PathRules.IsInput(token) || Directory.Exists(token)))
            return $"{sentence} Did you mean '{HelpPages.FullName(command)} upscale {token}'?";
        return sentence;
    }

    private static IEnumerable<string> OptionNames(Command command) =>
        command
            .Options.Concat(command.Parents.OfType<Command>().SelectMany(p => p.Options).Where(o => o.Recursive))
            .Select(o => o.Name);

    private static string? Nearest(string token, IEnumerable<string> names)
    {
        string typed = token.Split('=', ':')[0].ToLowerInvariant();
        return names
            .Select(n => (Name: n, Distance: Distance(typed, n)))
            .Where(n => n.Distance <= Math.Max(1, n.Name.TrimStart('-').Length / 3))
            .OrderBy(n => n.Distance)
            .FirstOrDefault()
            .Name;
    }

    // Levenshtein's distance, one row at a time.
    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substituted, 1 + Math.Min(row[j], row[j - 1]));
            }
        }
        return row[^1];
    }

    private static string Sentence(string message) =>
        FailureText.OneLine(message).TrimEnd('.').Replace("' '", "', '", StringComparison.Ordinal) + ".";
}
