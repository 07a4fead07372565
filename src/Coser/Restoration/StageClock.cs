using System.Diagnostics;

namespace Coser.Restoration;

/// <summary>Adds up the seconds of stages that may come several times.</summary>
internal sealed class StageClock
{
    private readonly List<StageTiming> _timings = [];

    /// <summary>In the order of their first time.</summary>
    public IReadOnlyList<StageTiming> Timings => _timings;

    public T Measure<T>(string stage, Func<T> work)
    {
        var clock = Stopwatch.StartNew();
        T result = work();
        int at = _timings.FindIndex(t => t.Stage == stage);
        if (at < 0)
            _timings.Add(new StageTiming(stage, clock.Elapsed.TotalSeconds));
        else
            _timings[at] = _timings[at] with { Seconds = _timings[at].Seconds + clock.Elapsed.TotalSeconds };
        return result;
    }
}
