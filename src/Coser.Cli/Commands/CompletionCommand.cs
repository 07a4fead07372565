using System.CommandLine;
using System.Globalization;
using Coser.Cli.Help;

namespace Coser.Cli.Commands;

/// <summary>
/// <c>coser completion</c>: scripts that ask the command itself (the parser's [suggest] directive) what may come next.
/// </summary>
internal static class CompletionCommand
{
    private const string Bash = """
        # bash completion for coser: eval "$(coser completion bash)" in ~/.bashrc
        _coser() {
            local word="${COMP_WORDS[COMP_CWORD]}" candidate
            COMPREPLY=()
            while IFS= read -r candidate || [[ -n $candidate ]]; do
                # Options are offered once a dash is typed; before that, file names are more likely.
                [[ $candidate == -* && $word != -* ]] && continue
                [[ $candidate == "$word"* ]] && COMPREPLY+=("$candidate")
            done < <("${COMP_WORDS[0]}" "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)
        }
        complete -o default -F _coser coser
        """;

    private const string Zsh = """
        #compdef coser
        # zsh completion for coser: eval "$(coser completion zsh)" in ~/.zshrc, after compinit
        _coser() {
            local -a candidates
            local line="${(j: :)words[1,CURRENT]}"
            candidates=("${(@f)$("${words[1]}" "[suggest:${#line}]" "$line" 2>/dev/null)}")
            # Options are offered once a dash is typed; before that, file names are more likely.
            [[ "$PREFIX" == -* ]] || candidates=("${(@)candidates:#-*}")
            compadd -a candidates
            _files
        }
        compdef _coser coser
        """;

    private const string Fish = """
        # fish completion for coser: coser completion fish | source   in ~/.config/fish/config.fish
        complete -c coser -a '(coser "[suggest:"(string length -- (commandline -cp))"]" (commandline -cp) 2>/dev/null)'
        """;

    private const string PowerShell = """
        # PowerShell completion for coser: coser completion pwsh | Out-String | Invoke-Expression   in $PROFILE
        Register-ArgumentCompleter -Native -CommandName coser -ScriptBlock {
            param($word, $ast, $position)
            coser "[suggest:$position]" "$ast" 2>$null | Where-Object { $_ -like "$word*" } | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
            }
        }
        """;

    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command("completion", "Prints a script that teaches your shell to complete coser's options.");
        var shell = new Argument<string>("shell") { HelpName = "shell", Description = "bash, zsh, fish or pwsh." };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish", "pwsh");
        command.Add(shell);
        help.Examples(command, ("eval \"$(coser completion bash)\"", "in ~/.bashrc"));
        command.SetAction(parsed =>
        {
            host.Out.WriteLine(
                parsed.GetRequiredValue(shell) switch
                {
                    "bash" => Bash,
                    "zsh" => Zsh,
                    "fish" => Fish,
                    _ => PowerShell,
                }
            );
            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>
    /// Shells hand over the whole line, "coser upscale --…"; the parser would take its first word for an argument.
    /// </summary>
    public static string[] WithoutCommandName(string[] args)
    {
        const string Directive = "[suggest:";
        if (args is not [var directive, var line] || !directive.StartsWith(Directive, StringComparison.Ordinal))
            return args;
        if (
            !int.TryParse(
                directive.AsSpan(Directive.Length).TrimEnd(']'),
                CultureInfo.InvariantCulture,
                out int position
            )
        )
            return args;
        int space = line.IndexOf(' ', StringComparison.Ordinal);
        int command = space < 0 ? line.Length : space + 1;
        string rest = line[command..];
        position = Math.Clamp(position - command, 0, rest.Length + 1);
        // The cursor may stand behind a space the shell has cut off.
        return [$"{Directive}{position}]", rest.PadRight(position)];
    }
}
