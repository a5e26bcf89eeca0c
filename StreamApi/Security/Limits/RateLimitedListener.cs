using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Limits;

/// <summary>Listens in the place of Kestrel's own sockets where <see cref="ConnectionRateLimit"/> is kept.</summary>
internal sealed class RateLimitedListenerFactory(
    ConnectionRateLimit pace,
    IOptions<SocketTransportOptions> sockets,
    TimeProvider clock,
    ILoggerFactory logs
) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => pace.IsKept && endpoint is IPEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        Socket? socket = null;
        try
        {
            socket = sockets.Value.CreateBoundListenSocket(endpoint);
            socket.Listen(sockets.Value.Backlog);
        }
        catch (SocketException e)
        {
            socket?.Dispose();
            // By this Kestrel tells a port that is taken from a family that the machine lacks, which it goes without.
            if (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
                throw new AddressInUseException(e.Message, e);
            throw;
        }
        return ValueTask.FromResult<IConnectionListener>(
            new RateLimitedListener(socket, pace, sockets.Value, clock, logs)
        );
    }
}

/// <summary>
/// Accepts connections, and gives Kestrel those whose turn it is. The others wait as bare sockets, of which nothing is
/// made or read: a request that is refused
/// costs nearly as much as one that is not, a socket that waits next to nothing.
/// </summary>
internal sealed class RateLimitedListener : IConnectionListener
{
    /// <summary>Accepted in one go; then whatever else there is to do has its turn. Thousands at once would have the
    /// processor for as long as all of them take.</summary>
    private const int Burst = 16;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);

    private readonly Socket _socket;
    private readonly ConnectionRateLimit _pace;
    private readonly TimeProvider _clock;
    private readonly bool _noDelay;
    private readonly SocketConnectionContextFactory _connections;
    private readonly Channel<Socket> _due = Channel.CreateUnbounded<Socket>(
        new UnboundedChannelOptions { SingleReader = true }
    );
    private readonly CancellationTokenSource _stop = new();
    private readonly ILogger _logger;
    private readonly Task _accepting;
    private long _toldAt;

    public RateLimitedListener(
        Socket socket,
        ConnectionRateLimit pace,
        SocketTransportOptions options,
        TimeProvider clock,
        ILoggerFactory logs
    )
    {
        (_socket, _pace, _clock, _noDelay, _logger) = (
            socket,
            pace,
            clock,
            options.NoDelay,
            logs.CreateLogger<RateLimitedListener>()
        );
        EndPoint = socket.LocalEndPoint!;
        _connections = new SocketConnectionContextFactory(
            new SocketConnectionFactoryOptions
            {
                IOQueueCount = options.IOQueueCount,
                MaxReadBufferSize = options.MaxReadBufferSize,
                MaxWriteBufferSize = options.MaxWriteBufferSize,
                UnsafePreferInlineScheduling = options.UnsafePreferInlineScheduling,
                WaitForDataBeforeAllocatingBuffer = options.WaitForDataBeforeAllocatingBuffer,
            },
            logs.CreateLogger("Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets")
        );
        _accepting = AcceptAllAsync();
    }

    public EndPoint EndPoint { get; }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _due.Reader.WaitToReadAsync(cancellationToken))
        {
            if (!_due.Reader.TryRead(out var socket))
                continue;
            try
            {
                return _connections.Create(socket);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                socket.Dispose();
            } // gone meanwhile
        }
        return null;
    }

    public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        await _stop.CancelAsync();
        _socket.Dispose();
        await _accepting;
    }

    public async ValueTask DisposeAsync()
    {
        await UnbindAsync();
        _connections.Dispose();
    }

    private async Task AcceptAllAsync()
    {
        for (var accepted = 1; !_stop.IsCancellationRequested; accepted++)
        {
            try
            {
                Take(await _socket.AcceptAsync(_stop.Token));
                if (accepted % Burst == 0)
                    await Task.Delay(Pause, _stop.Token);
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                break;
            }
            // Reset before it was accepted; or there are no descriptors, and will be none at once. Whatever it is:
            // nobody else accepts here.
            catch (Exception e)
            {
                _logger.LogDebug(e, "A connection could not be accepted");
                await Task.Delay(Pause, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        _due.Writer.TryComplete();
    }

    private void Take(Socket socket)
    {
        var from = (IPEndPoint)socket.RemoteEndPoint!;
        var turn = _pace.TakeTurn(from.Address);
        if (turn == TimeSpan.Zero)
            Give(socket);
        else if (turn is { } wait)
            _ = WaitAsync(socket, wait);
        else
        {
            Tell(from);
            // With a reset: nothing of it is kept, here or in the kernel.
            socket.Close(0);
        }
    }

    private async Task WaitAsync(Socket socket, TimeSpan turn)
    {
        await Task.Delay(turn, _clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _pace.HasWaited();
        if (_stop.IsCancellationRequested)
            socket.Dispose();
        else
            Give(socket);
    }

    private void Give(Socket socket)
    {
        try
        {
            socket.NoDelay = _noDelay;
            if (_due.Writer.TryWrite(socket))
                return;
        }
        catch (SocketException) { } // gone meanwhile
        socket.Dispose();
    }

    private void Tell(IPEndPoint from)
    {
        var now = Environment.TickCount64;
        if (_toldAt != 0 && now - _toldAt <= 60_000)
            return;
        _toldAt = now;
        _logger.LogWarning(
            "{Address} opens connections faster than Limits:ConnectionsPerSecond ({PerSecond}), some are closed. If it is a proxy of yours, name it in Security:Proxies",
            from,
            _pace.PerSecond
        );
    }
}
