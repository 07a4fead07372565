using System.Runtime.InteropServices;

namespace Coser.Cli;

/// <summary>Turns Ctrl+C and SIGTERM into a cancellation; the second one ends the process the hard way.</summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _signals;

    public Interruption() =>
        _signals = [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
        ];

    public CancellationToken Token => _source.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration signal in _signals)
            signal.Dispose();
        _source.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        if (_source.IsCancellationRequested)
        {
            if (!Console.IsOutputRedirected)
                Console.Write("\e[?25h"); // the progress display hides the cursor
            return;
        }
        context.Cancel = true;
        _source.Cancel();
    }
}
