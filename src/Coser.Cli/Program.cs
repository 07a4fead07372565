using Coser.Cli;

using var interruption = new Interruption();
return CommandLine.Run(args, CliHost.ForProcess(interruption.Token));
