using System.CommandLine;
using Coser.Cli.Help;
using Coser.Cli.Reports;
using Coser.Cli.Upscaling;
using Coser.Client.Contract;
using Coser.Server.Access;

namespace Coser.Cli.Commands;

/// <summary><c>coser serve keys</c></summary>
internal static class KeysCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command("keys", "Makes, lists and removes the keys that callers of a server need.");
        command.Add(Add(host, help));
        command.Add(List(host, help));
        command.Add(Remove(host, help));
        help.Examples(
            command,
            ("coser serve keys add anna --role user", "prints the key, once"),
            ("coser serve keys list", "names and roles"),
            ("coser serve keys remove anna", "holds at once, for a running server, too")
        );
        command.SetAction(_ => CommandLine.ShowHelp(command, help, host));
        return command;
    }

    private static Command Add(CliHost host, HelpPages help)
    {
        var command = new Command(
            "add",
            "Makes a key and prints it. Only its hash is kept: write it down now.\n\n"
                + "A reader looks at everything and changes nothing, a user hands in photos and sees its own, an admin sees and "
                + "steers everybody's."
        );
        Argument<string> name = Name();
        Option<RoleName?> role = Choice.Maybe<RoleName>("--role", "What it may do.");
        Option<string> keys = ServeCommand.KeysOption();
        command.Add(name);
        command.Add(role);
        command.Add(keys);
        help.Default(role, "user");
        help.Default(keys, "a file of this user");
        command.SetAction(parsed =>
        {
            var ring = KeyRing.Open(ServeCommand.KeysFile(host, parsed, keys));
            host.Out.WriteLine(ring.Add(parsed.GetRequiredValue(name), parsed.GetValue(role) ?? RoleName.User));
            return ExitCode.Success;
        });
        return command;
    }

    private static Command List(CliHost host, HelpPages help)
    {
        var command = new Command("list", "Lists the keys: names and roles.");
        Option<string> keys = ServeCommand.KeysOption();
        Option<bool> json = Choice.Json("Print JSON.");
        command.Add(keys);
        command.Add(json);
        help.Default(keys, "a file of this user");
        command.SetAction(parsed =>
        {
            var ring = KeyRing.Open(ServeCommand.KeysFile(host, parsed, keys));
            if (parsed.GetValue(json))
                host.Out.WriteLine(
                    CliJson.Document(
                        ring.Keys.Select(k => new
                        {
                            k.Name,
                            role = k.Role.ToString().ToLowerInvariant(),
                            k.Created,
                        })
                    )
                );
            else
                foreach (ApiKey key in ring.Keys)
                    host.Out.WriteLine(
                        $"{key.Name}  {key.Role.ToString().ToLowerInvariant()}  {key.Created:yyyy-MM-dd}"
                    );
            return ExitCode.Success;
        });
        return command;
    }

    private static Command Remove(CliHost host, HelpPages help)
    {
        var command = new Command("remove", "Removes a key. A running server refuses it within a second.");
        Argument<string> name = Name();
        Option<string> keys = ServeCommand.KeysOption();
        command.Add(name);
        command.Add(keys);
        help.Default(keys, "a file of this user");
        command.SetAction(parsed =>
        {
            string given = parsed.GetRequiredValue(name);
            var ring = KeyRing.Open(ServeCommand.KeysFile(host, parsed, keys));
            if (!ring.Remove(given))
                throw new UsageException($"There is no key '{given}'. 'coser serve keys list' lists them.");
            host.Out.WriteLine($"{given} removed");
            return ExitCode.Success;
        });
        return command;
    }

    private static Argument<string> Name() =>
        new("name") { Description = "Whose key it is: letters, digits, dots, dashes and underscores." };
}
