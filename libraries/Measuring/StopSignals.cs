using System.Runtime.InteropServices;

namespace Measuring;

/// <summary>Cancels a token on Ctrl+C and SIGTERM, so that the program can end in order.</summary>
internal sealed class StopSignals : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration _interrupt,
        _terminate;

    public StopSignals()
    {
        _interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        _terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    }

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
        _interrupt.Dispose();
        _terminate.Dispose();
        _stop.Dispose();
    }

    private void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        _stop.Cancel();
    }
}
