using System.CommandLine;
using System.Globalization;
using Coser.Checkpoints;
using Coser.Checkpoints.Conversion;
using Coser.Cli.Help;
using Coser.Cli.Models;
using Coser.Cli.Reports;
using Coser.Cli.Upscaling;
using Spectre.Console;

namespace Coser.Cli.Commands;

/// <summary><c>coser models</c> with <c>list</c> and <c>info</c></summary>
internal static class ModelsCommand
{
    public static Command Create(CliHost host, HelpPages help)
    {
        var command = new Command("models", "Lists, shows, checks and converts models.");
        command.Add(CreateList(host));
        command.Add(CreateInfo(host, help));
        command.Add(VerifyCommand.Create(host, help));
        command.Add(ConvertCommand.Create(host, help));
        help.Examples(
            command,
            ("coser models list", "models --model knows by name"),
            ("coser models info coser-mini", "networks, sizes, licence"),
            ("coser models info presr.safetensors", "every tensor of a file")
        );
        command.SetAction(_ => CommandLine.ShowHelp(command, help, host));
        return command;
    }

    private static Command CreateList(CliHost host)
    {
        var command = new Command("list", "Lists the models found on this machine.");
        Option<bool> json = Choice.Json("Print JSON.");
        command.Add(json);
        command.SetAction(parsed => List(host, parsed.GetValue(json)));
        return command;
    }

    private static Command CreateInfo(CliHost host, HelpPages help)
    {
        var command = new Command("info", "Shows a model's networks, or what is in a checkpoint.");
        var path = new Argument<string>("path")
        {
            HelpName = "model|file|folder",
            Description =
                "A model's name or folder, a checkpoint file (safetensors or PyTorch), or a diffusers folder.",
        };
        Option<bool> json = Choice.Json("Print JSON.");
        command.Add(path);
        command.Add(json);
        help.Examples(
            command,
            ("coser models info coser-mini", ""),
            ("coser models info models/coser-mini/presr.safetensors --json", "")
        );
        command.SetAction(parsed => Info(host, parsed.GetRequiredValue(path), parsed.GetValue(json)));
        return command;
    }

    private static int List(CliHost host, bool json)
    {
        var models = new List<ModelSummary>();
        int exit = ExitCode.Success;
        foreach (string name in ModelDirectory.Available())
        {
            try
            {
                models.Add(ModelSummary.Read(name));
            }
            // A damaged model does not hide the others.
            catch (CheckpointException e)
            {
                host.Complain(FailureText.OneLine(e.Message), e);
                exit = ExitCode.Failed;
            }
        }
        if (json)
        {
            host.Out.WriteLine(CliJson.Document(models));
            return exit;
        }
        if (models.Count == 0)
        {
            host.Complain(
                "no models found. Name a model's folder with --model, or run from a checkout that has models/."
            );
            return exit;
        }
        if (!host.IsLive)
        {
            // A table would be wrapped at 80 columns in a pipe.
            foreach (ModelSummary model in models)
                host.Out.WriteLine($"{model.Name}  {Components(model)}  {Sizes.Bytes(model.Bytes)}  {model.Folder}");
            return exit;
        }
        Table table = new Table().Border(TableBorder.Rounded).AddColumns("Name", "Components", "Size", "Path");
        foreach (ModelSummary model in models)
        {
            table.AddRow(
                Markup.Escape(model.Name),
                Markup.Escape(Components(model)),
                Sizes.Bytes(model.Bytes),
                Markup.Escape(model.Folder)
            );
        }
        host.Console.Write(table);
        return exit;
    }

    private static int Info(CliHost host, string path, bool json)
    {
        string full = Path.GetFullPath(path, host.WorkingFolder);
        if (File.Exists(full) || path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
        {
            CheckpointSummary file = CheckpointSummary.Read(full);
            host.Out.WriteLine(json ? CliJson.Document(file) : file.ToText());
            return ExitCode.Success;
        }
        if (DiffusersFolder.Files(full) is [_, ..] parts && !File.Exists(Path.Combine(full, "model.json")))
        {
            CheckpointSummary[] files = [.. parts.Select(CheckpointSummary.Read)];
            host.Out.WriteLine(
                json ? CliJson.Document(files) : string.Join(Environment.NewLine, files.Select(f => f.ToText()))
            );
            return ExitCode.Success;
        }
        ModelSummary model = ModelSummary.Read(Directory.Exists(full) ? full : path);
        host.Out.WriteLine(json ? CliJson.Document(model) : Text(model));
        return ExitCode.Success;
    }

    private static string Text(ModelSummary model)
    {
        var text = new StringWriter(CultureInfo.InvariantCulture);
        text.WriteLine($"{(model.Description.Length > 0 ? $"{model.Name}: {model.Description}" : model.Name)}");
        text.WriteLine($"folder      {model.Folder}");
        text.WriteLine($"scale       {model.Scale}");
        text.WriteLine($"kind        {(model.PreSrOnly ? "pre-SR only: no diffusion stage" : "CoSeR")}");
        text.WriteLine($"licence     {OrNone(model.Licence)}");
        text.WriteLine($"hash        {model.Hash}");
        text.Write($"components  {model.Components.Count}, {Sizes.Bytes(model.Bytes)}");
        foreach (ModelComponent c in model.Components)
        {
            text.WriteLine();
            text.Write(
                $"  {c.Role}: {c.Kind}, {Sizes.Count(c.Parameters)} parameters, {c.DType}, {Sizes.Bytes(c.Bytes)}, {c.File}"
            );
        }
        return text.ToString();
    }

    private static string Components(ModelSummary model) =>
        string.Join(", ", model.Components.Select(c => c.Role)) + (model.PreSrOnly ? " (pre-SR only)" : "");

    private static string OrNone(string text) => text.Length > 0 ? text : "not stated";
}
