namespace Coser.Cli.Reports;

// The property order is the order in the lines: what an event is about comes first.

internal sealed record StartEvent(
    string Event,
    string Version,
    string Model,
    string ModelFolder,
    string ModelHash,
    bool PreSrOnly,
    string Device,
    string Precision,
    double Scale,
    int Files
);

internal sealed record ProgressEvent(string Event, string Input, string Stage, int Step, int Steps);

internal sealed record DoneEvent(
    string Event,
    string Input,
    string Output,
    int InputWidth,
    int InputHeight,
    int Width,
    int Height,
    long Bytes,
    double Seconds,
    IReadOnlyList<StageEvent> Stages,
    IReadOnlyList<string> Notes
);

internal sealed record StageEvent(string Stage, double Seconds);

internal sealed record SkippedEvent(string Event, string Input, string Output, string Reason);

internal sealed record FailedEvent(string Event, string Input, string? Output, string Reason);

internal sealed record SummaryEvent(
    string Event,
    int Files,
    int Done,
    int Skipped,
    int Failed,
    int NotTried,
    bool Cancelled,
    double Seconds,
    int ExitCode
);
