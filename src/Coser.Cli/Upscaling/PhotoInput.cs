namespace Coser.Cli.Upscaling;

/// <summary>One photo to be restored.</summary>
/// <param name="Name">The path as the user would write it, for messages.</param>
/// <param name="Relative">The path below the folder (or the fixed part of the glob) it was found through; else the file name.</param>
/// <param name="Named">True when the file itself was given, not a folder or glob around it.</param>
internal sealed record PhotoInput(string Name, string FullPath, string Relative, bool Named);

/// <summary>A part of the inputs that could not be read, such as a closed folder below a given one.</summary>
internal sealed record InputProblem(string Name, string Reason);

/// <summary>What the arguments stand for.</summary>
internal sealed record ResolvedInputs(IReadOnlyList<PhotoInput> Photos, IReadOnlyList<InputProblem> Problems);

/// <summary>The command was called wrongly: exit code 2, before any work.</summary>
internal sealed class UsageException(string message) : Exception(message);
