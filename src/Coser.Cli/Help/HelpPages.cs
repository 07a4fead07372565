using System.CommandLine;

namespace Coser.Cli.Help;

/// <summary>Help texts: options in groups, defaults shown, examples at the end, wrapped to the terminal.</summary>
internal sealed class HelpPages
{
    private const int Narrowest = 60;
    private const int Widest = 96;
    private const int Indent = 2;
    private readonly Dictionary<Command, List<(string Title, Option[] Options)>> _groups = [];
    private readonly Dictionary<Command, (string Line, string Meaning)[]> _examples = [];
    private readonly Dictionary<Command, string> _footers = [];
    private readonly Dictionary<Option, string> _defaults = [];
    private readonly HashSet<Command> _optional = [];

    public void Group(Command command, string title, params Option[] options)
    {
        if (!_groups.TryGetValue(command, out var groups))
            _groups[command] = groups = [];
        groups.Add((title, options));
        foreach (Option option in options)
            command.Add(option);
    }

    public void Examples(Command command, params (string Line, string Meaning)[] examples) =>
        _examples[command] = examples;

    public void Footer(Command command, string text) => _footers[command] = text;

    /// <summary>A command that does something by itself, although it holds others.</summary>
    public void CommandIsOptional(Command command) => _optional.Add(command);

    /// <summary>Shown as "[default: …]".</summary>
    public void Default(Option option, string text) => _defaults[option] = text;

    public static int Width(CliHost host) =>
        host.IsLive ? Math.Clamp(host.Console.Profile.Width, Narrowest, Widest) : Widest;

    /// <summary>"coser models info".</summary>
    public static string FullName(Command command) =>
        command is RootCommand
            ? CommandLine.Name
            : $"{FullName(command.Parents.OfType<Command>().First())} {command.Name}";

    public void Write(Command command, TextWriter writer, int width)
    {
        var page = new Page(writer, width);
        page.Text(command.Description ?? "", 0);
        page.Title("Usage");
        page.Text(Usage(command), Indent);
        Command[] commands = [.. command.Subcommands.Where(c => !c.Hidden)];
        Argument[] arguments = [.. command.Arguments.Where(a => !a.Hidden)];
        if (commands.Length > 0)
            page.Table("Commands", [.. commands.Select(c => (Call(c), Summary(c)))]);
        if (arguments.Length > 0)
            page.Table("Arguments", [.. arguments.Select(a => (ArgumentLabel(a), a.Description ?? ""))]);
        WriteOptions(command, page);
        if (_examples.TryGetValue(command, out var examples))
            page.Table("Examples", examples);
        if (_footers.TryGetValue(command, out string? footer))
        {
            writer.WriteLine();
            page.Text(footer, 0);
        }
    }

    // One column for all groups: the eye runs down it.
    private void WriteOptions(Command command, Page page)
    {
        List<(string Title, Option[] Options)> groups =
        [
            .. _groups.GetValueOrDefault(command, []),
            (_groups.ContainsKey(command) ? "Other options" : "Options", [.. Inherited(command)]),
        ];
        int column = groups.SelectMany(g => g.Options).Max(o => Label(o).Length);
        foreach ((string title, Option[] options) in groups)
            page.Table(title, [.. options.Select(o => (Label(o), Describe(o)))], column);
    }

    private string Usage(Command command) =>
        FullName(command)
        + (command.Subcommands.Any(c => !c.Hidden) && !_optional.Contains(command) ? " <command>" : "")
        + string.Concat(command.Arguments.Select(a => " " + ArgumentLabel(a)))
        + " [options]";

    private static string Call(Command command) =>
        command.Name + string.Concat(command.Arguments.Select(a => " " + ArgumentLabel(a)));

    private static string Summary(Command command) => (command.Description ?? "").Split(". ")[0].TrimEnd('.') + ".";

    private static string ArgumentLabel(Argument argument) =>
        $"<{argument.HelpName ?? argument.Name}>" + (argument.Arity.MaximumNumberOfValues > 1 ? "..." : "");

    // A command's own options first, then those that every command has.
    private IEnumerable<Option> Inherited(Command command)
    {
        HashSet<Option> grouped = [.. _groups.GetValueOrDefault(command, []).SelectMany(g => g.Options)];
        IEnumerable<Option> own = command.Options.Where(o => !grouped.Contains(o));
        IEnumerable<Option> above = command.Parents.OfType<Command>().SelectMany(Inherited).Where(o => o.Recursive);
        return own.Concat(above).Where(o => !o.Hidden).OrderBy(o => o.Recursive);
    }

    private static string Label(Option option)
    {
        string shortName = option.Aliases.FirstOrDefault(a => a.Length == 2) is { } s ? s + ", " : "    ";
        string value =
            option.Arity.MaximumNumberOfValues > 0 && option.ValueType != typeof(bool)
                ? $" <{option.HelpName ?? option.Name.TrimStart('-')}>"
                : "";
        return shortName + option.Name + value;
    }

    private string Describe(Option option) =>
        (option.Description ?? "") + (_defaults.TryGetValue(option, out string? text) ? $" [default: {text}]" : "");

    private sealed class Page(TextWriter writer, int width)
    {
        public void Title(string title)
        {
            writer.WriteLine();
            writer.WriteLine(title + ":");
        }

        public void Text(string text, int indent)
        {
            foreach (string paragraph in text.Split('\n'))
            {
                foreach (string line in Wrap(paragraph, width - indent))
                    writer.WriteLine(new string(' ', line.Length > 0 ? indent : 0) + line);
            }
        }

        public void Table(string title, (string First, string Second)[] rows, int? column = null)
        {
            if (rows.Length == 0)
                return;
            Title(title);
            int second = Indent + (column ?? rows.Max(r => r.First.Length)) + 2;
            foreach ((string first, string text) in rows)
            {
                List<string> lines = Wrap(text, width - second);
                writer.WriteLine((new string(' ', Indent) + first.PadRight(second - Indent) + lines[0]).TrimEnd());
                foreach (string line in lines.Skip(1))
                    writer.WriteLine(new string(' ', second) + line);
            }
        }

        private static List<string> Wrap(string text, int width)
        {
            List<string> lines = [""];
            foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            {
                if (lines[^1].Length > 0 && lines[^1].Length + 1 + word.Length > width)
                    lines.Add("");
                lines[^1] += (lines[^1].Length > 0 ? " " : "") + word;
            }
            return lines;
        }
    }
}
