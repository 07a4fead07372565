using System.Diagnostics;
using System.Text.Json;
using Coser.Checkpoints;

namespace Coser.Training.Runs;

/// <summary>How a run stands right now: <c>heartbeat.json</c> in its folder, which <c>coser train status</c> reads.</summary>
public sealed record Heartbeat
{
    /// <summary>Its name in a run's folder.</summary>
    public const string FileName = "heartbeat.json";

    /// <summary>Seconds between two beats, where a step does not take longer.</summary>
    public const double Period = 5;

    /// <summary>Machine that trains.</summary>
    public required string Host { get; init; }

    /// <summary>Its process.</summary>
    public required int Process { get; init; }

    /// <summary>Time of the beat, UTC.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Steps done.</summary>
    public long Step { get; init; }

    /// <summary>Loss of the last step that was not skipped; null: there was none yet.</summary>
    public double? Loss { get; init; }

    /// <summary>Seconds of training over all sessions.</summary>
    public double Seconds { get; init; }

    /// <summary>Steps a second in this process, validations left out.</summary>
    public double StepsPerSecond { get; init; }

    /// <summary>Share of the time spent waiting for data, 0 to 1.</summary>
    public double Waiting { get; init; }

    /// <summary>Memory of the process in bytes.</summary>
    public long Memory { get; init; }

    /// <summary>The last beat of a run; null when there is none that can be read.</summary>
    public static Heartbeat? Read(string runFolder)
    {
        try
        {
            return JsonSerializer.Deserialize<Heartbeat>(
                File.ReadAllText(Path.Combine(runFolder, FileName)),
                CoserJson.Strict
            );
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>Writes it.</summary>
    public void Write(RunFolder folder) =>
        folder.WriteText(FileName, JsonSerializer.Serialize(this, CoserJson.Strict) + "\n");
}

/// <summary>Beats now and then.</summary>
internal sealed class HeartbeatWriter(RunFolder folder)
{
    private readonly Stopwatch _since = new();

    /// <summary>Writes a beat when it is time for one.</summary>
    public void Beat(TrainingTick tick, double seconds, bool force = false)
    {
        if (!force && _since.IsRunning && _since.Elapsed.TotalSeconds < Heartbeat.Period)
            return;
        new Heartbeat
        {
            Host = Environment.MachineName,
            Process = Environment.ProcessId,
            At = DateTimeOffset.UtcNow,
            Step = tick.Step,
            Loss = double.IsFinite(tick.Loss) ? tick.Loss : null,
            Seconds = seconds,
            StepsPerSecond = tick.StepsPerSecond,
            Waiting = tick.Waiting,
            Memory = Environment.WorkingSet,
        }.Write(folder);
        _since.Restart();
    }
}
