using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Harness;

/// <summary>A TCP relay between a service and its store that can be cut or frozen, so that a test's fault affects no
/// other test; or the one address of several replicas.</summary>
internal sealed class FaultyLink : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private volatile EndPoint[] _targets;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Socket> _sockets = [];
    private volatile TaskCompletionSource? _frozen;
    private volatile TaskCompletionSource? _heldRequests;
    private volatile bool _cut;
    private volatile int _opened;
    private volatile int _swallowed;
    private long _received;

    public FaultyLink(string host, int port)
        : this(new DnsEndPoint(host, port, AddressFamily.InterNetwork)) { }

    /// <summary>Leads the connections to these servers in turn.</summary>
    public FaultyLink(params EndPoint[] targets)
    {
        _targets = targets;
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Makes a link to the Postgres of a connection string.</summary>
    /// <param name="through">The connection string that leads through the link.</param>
    public static FaultyLink To(string connectionString, out string through)
    {
        var database = new NpgsqlConnectionStringBuilder(connectionString);
        var link = new FaultyLink(database.Host!, database.Port);
        database.Host = "127.0.0.1";
        database.Port = link.Port;
        through = database.ConnectionString;
        return link;
    }

    /// <summary>Bytes that the store has sent.</summary>
    public long Received => Interlocked.Read(ref _received);

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Closes both sides, and refuses new connections.</summary>
    public void Cut()
    {
        lock (_sockets)
        {
            _cut = true;
            foreach (var socket in _sockets)
                socket.Close(0);
            _sockets.Clear();
        }
    }

    /// <summary>Cuts the open connections, and leads new ones to another server.</summary>
    public void Redirect(int port)
    {
        _targets = [new DnsEndPoint("127.0.0.1", port, AddressFamily.InterNetwork)];
        Cut();
        Heal();
    }

    /// <summary>Passes nothing and closes nothing, like a frozen peer.</summary>
    public void Freeze() => _frozen = New();

    /// <summary>Passes nothing to the store until the link is healed; the other direction still passes.</summary>
    public void HoldRequests() => _heldRequests = New();

    /// <summary>Accepts bytes on the connections that are open now and never passes them on, as after a lost entry of
    /// address translation. New connections work.</summary>
    public void Swallow() => _swallowed = _opened;

    public void Heal()
    {
        _cut = false;
        Interlocked.Exchange(ref _frozen, null)?.TrySetResult();
        Interlocked.Exchange(ref _heldRequests, null)?.TrySetResult();
    }

    public ValueTask DisposeAsync()
    {
        _stop.Cancel();
        _listener.Stop();
        Heal();
        Cut();
        return ValueTask.CompletedTask;
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptSocketAsync(_stop.Token);
            }
            catch (SocketException) when (!_stop.IsCancellationRequested)
            {
                continue; // the client was gone before it was accepted
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                return;
            }

            _ = RelayAsync(client);
        }
    }

    private async Task RelayAsync(Socket client)
    {
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var number = Interlocked.Increment(ref _opened);

        lock (_sockets)
        {
            if (_cut)
            {
                client.Close(0);
                server.Dispose();
                return;
            }
            _sockets.AddRange([client, server]);
        }

        try
        {
            client.NoDelay = true;
            var targets = _targets;
            await server.ConnectAsync(targets[number % targets.Length], _stop.Token);
            var (there, back) = (
                PumpAsync(number, client, server, isAnswer: false),
                PumpAsync(number, server, client, isAnswer: true)
            );
            // Passes the end of one direction on; the other direction may continue.
            if (await await Task.WhenAny(there, back))
                await Task.WhenAll(there, back);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException) { }

        lock (_sockets)
        {
            _sockets.Remove(client);
            _sockets.Remove(server);
        }

        client.Close(0);
        server.Close(0);
    }

    /// <summary>Copies the bytes. Returns true at an orderly end, false if the connection broke.</summary>
    private async Task<bool> PumpAsync(int number, Socket from, Socket to, bool isAnswer)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, _stop.Token) is var count and > 0)
            {
                if (_frozen is { } frozen)
                    await frozen.Task.WaitAsync(_stop.Token);
                if (!isAnswer && _heldRequests is { } held)
                    await held.Task.WaitAsync(_stop.Token);
                if (number <= _swallowed)
                    continue;

                if (isAnswer)
                    Interlocked.Add(ref _received, count);

                await to.SendAsync(buffer.AsMemory(0, count), _stop.Token);
            }

            to.Shutdown(SocketShutdown.Send);
            return true;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            return false;
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
