using Microsoft.AspNetCore.Connections.Features;
using Streaming.Sockets;

namespace Streaming.Takeover;

/// <summary>A connection that only its stream keeps. Dispose it at the stream's end.</summary>
internal sealed class DetachedConnection : IDetachedConnectionFeature, IDisposable
{
    private readonly OpenConnections _open;
    private Action? _closed;
    private bool _isClosed;

    public DetachedConnection(NativeSocket socket, OpenConnections open)
    {
        Socket = socket;
        _open = open;
        open.Detached();
    }

    public NativeSocket Socket { get; }

    public void OnClosed(Action callback)
    {
        // Locks the socket: the application sees this object, and a lock of its own would cost memory for each stream.
        lock (Socket)
            if (!_isClosed)
            {
                _closed += callback;
                return;
            }

        callback();
    }

    public void Dispose()
    {
        lock (Socket)
        {
            if (_isClosed)
                return;

            _isClosed = true;
        }

        Socket.Dispose();
        _open.Closed();
        _closed?.Invoke();
    }
}
