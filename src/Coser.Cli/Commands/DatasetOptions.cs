using System.CommandLine;
using Coser.Training.Degradation;

namespace Coser.Cli.Commands;

/// <summary>Options that several of the data set commands have.</summary>
internal static class DatasetOptions
{
    /// <summary>--data, required.</summary>
    public static Option<DirectoryInfo> Data() =>
        new("--data")
        {
            HelpName = "folder",
            Description = "Data set: index.jsonl and photos/, or tar shards.",
            Required = true,
        };

    /// <summary>--output of a folder, required.</summary>
    public static Option<DirectoryInfo> Folder(string description) =>
        new("--output", "-o")
        {
            HelpName = "folder",
            Description = description,
            Required = true,
        };

    /// <summary>--output of a file, required.</summary>
    public static Option<FileInfo> OutputFile(string description) =>
        new("--output", "-o")
        {
            HelpName = "file",
            Description = description,
            Required = true,
        };

    /// <summary>--seed, 1 where it is not given.</summary>
    public static Option<ulong> Seed(string description) =>
        new("--seed")
        {
            HelpName = "number",
            Description = description,
            DefaultValueFactory = _ => 1,
        };

    /// <summary>--settings of a degradation.</summary>
    public static Option<FileInfo> Settings() =>
        new("--settings")
        {
            HelpName = "file",
            Description = "Degradation settings (JSON); default: those of CoSeR's reference training.",
        };

    /// <summary>The settings of a file; without one the reference training's.</summary>
    /// <exception cref="InvalidDataException">It cannot be read or is not sound; the message names it.</exception>
    public static DegradationSettings Degradation(FileInfo? file) =>
        file is null ? DegradationSettings.Reference : DegradationSettings.Read(file.FullName);
}
