using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Limits;

/// <summary>Replaces Kestrel's socket listener if an address's connections are limited.</summary>
internal sealed class RateLimitedListenerFactory(
    ConnectionRateLimit rate,
    AddressConnections open,
    IOptions<SocketTransportOptions> sockets,
    TimeProvider clock,
    ILoggerFactory logs
) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => (rate.IsEnabled || open.IsEnabled) && endpoint is IPEndPoint;

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
            // Kestrel distinguishes a port in use from an address family that the machine lacks.
            if (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
                throw new AddressInUseException(e.Message, e);
            throw;
        }

        return ValueTask.FromResult<IConnectionListener>(
            new RateLimitedListener(socket, rate, open, sockets.Value, clock, logs)
        );
    }
}

/// <summary>
/// Accepts connections and passes them to Kestrel when their turn comes. A waiting connection is a bare socket, which
/// costs far less than a refused request.
/// </summary>
internal sealed class RateLimitedListener : IConnectionListener
{
    /// <summary>
    /// Connections accepted in one run before other work gets its turn. Accepting thousands at once would occupy the
    /// processor.
    /// </summary>
    private const int Burst = 16;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    private readonly Socket _socket;
    private readonly ConnectionRateLimit _rate;
    private readonly AddressConnections _open;
    private readonly TimeProvider _clock;
    private readonly bool _noDelay;
    private readonly SocketConnectionContextFactory _connections;
    private readonly Channel<(Socket Socket, IPAddress? Client)> _due = Channel.CreateUnbounded<(Socket, IPAddress?)>(
        new UnboundedChannelOptions { SingleReader = true }
    );
    private readonly CancellationTokenSource _stop = new();
    private readonly ILogger _logger;
    private readonly Task _accepting;
    private long _loggedAt;

    public RateLimitedListener(
        Socket socket,
        ConnectionRateLimit rate,
        AddressConnections open,
        SocketTransportOptions options,
        TimeProvider clock,
        ILoggerFactory logs
    )
    {
        _socket = socket;
        _rate = rate;
        _open = open;
        _clock = clock;
        _noDelay = options.NoDelay;
        _logger = logs.CreateLogger<RateLimitedListener>();
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
            if (!_due.Reader.TryRead(out var due))
                continue;
            try
            {
                var connection = _connections.Create(due.Socket);
                if (due.Client is { } client)
                    connection.ConnectionClosed.UnsafeRegister(_ => CloseOnceGone(connection, client), null);
                return connection;
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                Close(due.Socket, due.Client);
            } // closed meanwhile
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

    /// <summary>Counts the connection until its client has gone, also if its stream keeps the socket.</summary>
    private void CloseOnceGone(ConnectionContext connection, IPAddress client)
    {
        if (connection.Features.Get<IDetachedConnectionFeature>() is { } detached)
            detached.OnClosed(() => _open.Close(client));
        else
            _open.Close(client);
    }

    private async Task AcceptAllAsync()
    {
        for (var accepted = 1; !_stop.IsCancellationRequested; accepted++)
        {
            try
            {
                Admit(await _socket.AcceptAsync(_stop.Token));
                if (accepted % Burst == 0)
                    await Task.Delay(Pause, _clock, _stop.Token);
            }
            catch (Exception) when (_stop.IsCancellationRequested)
            {
                break;
            }
            // The connection was reset, or descriptors ran out. The loop must survive any error, because nothing else
            // accepts here.
            catch (Exception e)
            {
                _logger.LogDebug(e, "A connection could not be accepted");
                await Task.Delay(Pause, _clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        _due.Writer.TryComplete();
    }

    private void Admit(Socket socket)
    {
        var from = (IPEndPoint)socket.RemoteEndPoint!;
        if (!_open.TryOpen(from.Address, out var client))
        {
            LogClosed(from, "has more connections open than Limits:ConnectionsPerAddress", _open.Max);
            socket.Close(0);
            return;
        }

        var turn = _rate.IsEnabled ? _rate.TakeTurn(from.Address) : TimeSpan.Zero;
        if (turn == TimeSpan.Zero)
            Pass(socket, client);
        else if (turn is { } wait)
            _ = WaitAsync(socket, client, wait);
        else
        {
            LogClosed(from, "opens connections faster than Limits:ConnectionsPerSecond", _rate.PerSecond);
            // Resets the connection: neither this process nor the kernel keeps anything of it.
            socket.Close(0);
            _open.Close(client);
        }
    }

    private async Task WaitAsync(Socket socket, IPAddress? client, TimeSpan turn)
    {
        await Task.Delay(turn, _clock, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _rate.EndWait();
        if (_stop.IsCancellationRequested)
            Close(socket, client);
        else
            Pass(socket, client);
    }

    private void Pass(Socket socket, IPAddress? client)
    {
        try
        {
            socket.NoDelay = _noDelay;
            if (_due.Writer.TryWrite((socket, client)))
                return;
        }
        catch (SocketException) { } // closed meanwhile
        Close(socket, client);
    }

    private void Close(Socket socket, IPAddress? client)
    {
        socket.Dispose();
        _open.Close(client);
    }

    private void LogClosed(IPEndPoint from, string why, int limit)
    {
        if (_loggedAt != 0 && _clock.GetElapsedTime(_loggedAt) <= LogInterval)
            return;

        _loggedAt = _clock.GetTimestamp();
        _logger.LogWarning(
            "{Address} {Reason} ({Limit}); some are closed. If it is your proxy, add it to Security:Proxies",
            from,
            why,
            limit
        );
    }
}
