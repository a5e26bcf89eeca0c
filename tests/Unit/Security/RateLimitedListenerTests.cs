using System.Net;
using System.Net.Sockets;
using System.Text;
using Harness;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using StreamApi.Security;
using StreamApi.Security.Limits;

namespace Unit.Security;

public sealed class RateLimitedListenerTests : IAsyncLifetime
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private readonly ManualTime _time = new();
    private readonly List<Socket> _clients = [];
    private IConnectionListener _listener = null!;

    public async ValueTask InitializeAsync() => _listener = await BindAsync(Factory());

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            client.Dispose();
        await _listener.DisposeAsync();
    }

    [Fact]
    public async Task A_request_sent_whole_before_its_turn_is_answered()
    {
        await ConnectAsync();
        await using var first = await AcceptAsync();
        var early = await ConnectAsync();

        await early.SendAsync("asked"u8.ToArray(), Cancelled);
        early.Shutdown(SocketShutdown.Send);

        Assert.Equal(TimeSpan.FromSeconds(1), await _time.PassDelayAsync());

        await using var second = await AcceptAsync();
        var asked = await second.Transport.Input.ReadAtLeastAsync(5, Cancelled);
        Assert.Equal("asked", Encoding.UTF8.GetString(asked.Buffer));
        second.Transport.Input.AdvanceTo(asked.Buffer.End);
        await second.Transport.Output.WriteAsync("answered"u8.ToArray(), Cancelled);
        Assert.Equal("answered", await ReadAsync(early, 8));
    }

    [Fact]
    public async Task A_connection_that_would_wait_too_long_is_closed_and_earlier_ones_wait_on()
    {
        for (var i = 0; i < 11; i++)
            await ConnectAsync();

        // The reset may come while the client still connects.
        await Assert.ThrowsAsync<SocketException>(async () => await ReadAsync(await ConnectAsync(), 1));

        await using var first = await AcceptAsync();
        _time.Advance(TimeSpan.FromSeconds(10));

        for (var i = 1; i < 11; i++)
            await using (await AcceptAsync()) { }
    }

    [Fact]
    public async Task A_port_in_use_throws_the_exception_that_Kestrel_expects()
    {
        await Assert.ThrowsAsync<AddressInUseException>(() =>
            Factory().BindAsync(_listener.EndPoint, Cancelled).AsTask()
        );
    }

    [Fact]
    public async Task A_waiting_connection_is_closed_when_the_server_stops()
    {
        await ConnectAsync();
        await using var first = await AcceptAsync();
        var waiting = await ConnectAsync();

        await _time.WaitForDelayAsync();

        await _listener.UnbindAsync(Cancelled);

        Assert.Null(await _listener.AcceptAsync(Cancelled));
        Assert.Equal("", await ReadAsync(waiting, 1));
    }

    /// <summary>Kestrel's part of a detached connection ends before its client leaves.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_address_has_a_limit_of_open_connections_and_a_closed_one_makes_room(bool detaches)
    {
        await _listener.DisposeAsync();
        _listener = await BindAsync(Factory(perSecond: 1_000, perAddress: 2));
        await ConnectAsync();
        await ConnectAsync();
        var (first, second) = (await AcceptAsync(), await AcceptAsync());
        await AssertFullAsync();

        var detached = new Detached();
        if (detaches)
            first.Features.Set<IDetachedConnectionFeature>(detached);

        await first.DisposeAsync();
        if (detaches)
        {
            await Eventually.HoldsAsync(() => detached.Closed is not null);
            await AssertFullAsync();
            detached.Closed!();
        }

        // A refused connection is reset; an admitted one is accepted.
        var accepted = AcceptAsync();
        await Eventually.HoldsAsync(async () =>
        {
            if (!accepted.IsCompleted)
            {
                try
                {
                    await ConnectAsync();
                }
                catch (SocketException) { } // reset while it connects
            }
            return accepted.IsCompleted;
        });
        await using (await accepted) { }

        await second.DisposeAsync();

        async Task AssertFullAsync() =>
            await Assert.ThrowsAsync<SocketException>(async () =>
                await ReadAsync(await ConnectAsync(), 1).WaitAsync(TimeSpan.FromSeconds(30), Cancelled)
            );
    }

    private sealed class Detached : IDetachedConnectionFeature
    {
        public Action? Closed { get; private set; }

        public void OnClosed(Action callback) => Closed = callback;
    }

    private static ValueTask<IConnectionListener> BindAsync(RateLimitedListenerFactory factory) =>
        factory.BindAsync(new IPEndPoint(IPAddress.Loopback, 0), Cancelled);

    private RateLimitedListenerFactory Factory(int perSecond = 1, int perAddress = 1_000)
    {
        var limits = Options.Create(
            new LimitOptions { ConnectionsPerSecond = perSecond, ConnectionsPerAddress = perAddress }
        );
        var security = Options.Create(new SecurityOptions());
        return new(
            new ConnectionRateLimit(limits, security, _time, maxWaiting: 1_000),
            new AddressConnections(limits, security),
            Options.Create(new SocketTransportOptions()),
            _time,
            NullLoggerFactory.Instance
        );
    }

    private async Task<Socket> ConnectAsync()
    {
        var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        _clients.Add(client);
        await client.ConnectAsync(_listener.EndPoint, Cancelled);
        return client;
    }

    private async Task<ConnectionContext> AcceptAsync() => (await _listener.AcceptAsync(Cancelled))!;

    private static async Task<string> ReadAsync(Socket client, int length)
    {
        var buffer = new byte[length];
        var read = 0;
        while (read < length && await client.ReceiveAsync(buffer.AsMemory(read), Cancelled) is > 0 and var number)
            read += number;
        return Encoding.UTF8.GetString(buffer, 0, read);
    }
}
