namespace Coser.Jobs.Work;

/// <summary>How the child process is started: the command <c>coser worker child</c>, unless a test has another.</summary>
public sealed record ChildCommand(string File, IReadOnlyList<string> Arguments)
{
    /// <summary>The program that is running, as its own child.</summary>
    /// <param name="assembly">The program's assembly, for when it was started by <c>dotnet program.dll</c>.</param>
    public static ChildCommand OfThisProgram(string assembly)
    {
        string? program = Environment.ProcessPath;
        bool byHost = program is null || Path.GetFileNameWithoutExtension(program) == "dotnet";
        return byHost
            ? new ChildCommand(program ?? "dotnet", [assembly, "worker", "child"])
            : new ChildCommand(program!, ["worker", "child"]);
    }
}
