using System.Runtime.InteropServices;

namespace Measuring;

/// <summary>Cancels a token on Ctrl+C, SIGTERM and the terminal's end; a second signal ends the program.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration[] _signals;

    public StopSignals() =>
        _signals = [
            .. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(signal =>
                PosixSignalRegistration.Create(signal, Stop)
            ),
        ];

    public CancellationToken Token => _stop.Token;

    /// <summary>Also cancels when the standard input closes, as it does when the parent process ends.</summary>
    public void StopWithInput() =>
        new Thread(() =>
        {
            while (Console.In.Read() >= 0) { }
            _stop.Cancel();
        })
        {
            IsBackground = true,
        }.Start();

    public void Dispose()
    {
        foreach (var signal in _signals)
            signal.Dispose();
        _stop.Dispose();
    }

    private void Stop(PosixSignalContext signal)
    {
        signal.Cancel = !_stop.IsCancellationRequested;
        _stop.Cancel();
    }
}
