using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using StreamApi.Connections;
using Streaming.Connections;
using Streaming.Sockets;

namespace Unit.Streaming;

/// <summary>Streams that write to their sockets without Kestrel.</summary>
public sealed class SocketOutputTests : IAsyncLifetime
{
    private const int Large = 4_000_000;

    private readonly PendingWriteBudget _pending = new(1L << 30, _ => { });
    private readonly SocketWatch _watch = new();
    private readonly Unread _owner = new();
    private Socket _server = null!;
    private Socket _client = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        using var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        _client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        // Sizes that the kernel does not change: together they take less than a Large write.
        _client.ReceiveBufferSize = 64 * 1024;
        await _client.ConnectAsync(listener.LocalEndPoint!, Cancelled);
        _server = await listener.AcceptAsync(Cancelled);
        _server.SendBufferSize = 64 * 1024;
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        _server.Dispose();
        _watch.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact(Timeout = 60_000)]
    public async Task What_a_client_does_not_take_at_once_arrives_later_whole_and_in_order()
    {
        var output = Output();
        var sent = RandomNumberGenerator.GetBytes(Large);
        Assert.True(output.TryWrite(sent));
        Assert.True(output.Busy);
        Assert.InRange(_pending.Held, 1, Large);

        var read = await ReadAsync(Large);
        Assert.True(sent.AsSpan().SequenceEqual(read));
        await Eventually.HoldsAsync(() => !output.Busy);
        Assert.Equal(0, _pending.Held);
        Assert.True(output.TryWrite("more"u8.ToArray()));
        Assert.Equal("more"u8.ToArray(), await ReadAsync(4));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_client_that_has_left_is_noticed_by_the_next_writes()
    {
        var output = Output();
        Reset();
        await Eventually.HoldsAsync(() => !output.TryWrite("data: x\n\n"u8.ToArray()));
        Assert.False(output.Busy);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_client_that_leaves_while_bytes_wait_for_it_releases_them()
    {
        var output = Output();
        Assert.True(output.TryWrite(new byte[Large]));
        Assert.True(output.Busy);
        Reset();
        await Eventually.HoldsAsync(() => !output.Busy);
        Assert.Equal((0, false), (_pending.Held, output.TryWrite("data: x\n\n"u8.ToArray())));
    }

    [Fact]
    public void A_socket_that_is_closed_already_is_not_taken()
    {
        _server.Dispose();
        Assert.Null(NativeSocket.TakeFrom(_server));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_taken_connection_outlives_its_former_owner_which_may_shut_it_down_and_close_it()
    {
        var reading = _server.ReceiveAsync(new byte[1], Cancelled).AsTask();
        var output = Output();
        _server.Shutdown(SocketShutdown.Both);
        _server.Dispose();
        await Assert.ThrowsAnyAsync<Exception>(() => reading);

        Assert.True(output.TryWrite("data: x\n\n"u8.ToArray()));
        Assert.Equal("data: x\n\n"u8.ToArray(), await ReadAsync(9));
        Assert.False(_owner.IsGone);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_owner_of_a_quiet_stream_is_told_when_its_client_leaves(bool resets)
    {
        _ = Output();
        if (resets)
            Reset();
        else
            _client.Shutdown(SocketShutdown.Send);
        await Eventually.HoldsAsync(() => _owner.IsGone);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_client_may_send_some_bytes_but_not_go_on()
    {
        _ = Output();
        await _client.SendAsync(new byte[60_000], Cancelled);
        Assert.False(_owner.IsGone);
        await _client.SendAsync(new byte[60_000], Cancelled);
        await Eventually.HoldsAsync(() => _owner.IsGone);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_stream_ends_with_the_last_chunk_and_the_end_of_the_connection()
    {
        var ended = Output();
        ended.End();
        ended.Disconnect();
        Assert.Equal("0\r\n\r\n"u8.ToArray(), await ReadAsync(5));
        Assert.Equal(0, await _client.ReceiveAsync(new byte[1], Cancelled));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_stream_that_is_closed_while_bytes_wait_for_its_client_is_reset_and_releases_them()
    {
        var output = Output();
        Assert.True(output.TryWrite(new byte[Large]));
        output.Disconnect();
        Assert.Equal(0, _pending.Held);
        await Assert.ThrowsAsync<SocketException>(() => ReadAsync(Large));
        Assert.False(output.TryWrite("data: x\n\n"u8.ToArray()));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_paced_answer_is_its_head_a_chunk_for_each_write_and_the_last_chunk()
    {
        var output = new PacedSocketOutput(_server, 4_096, () => { }) { Head = "HTTP/1.1 200 OK\r\n\r\n"u8.ToArray() };
        await output.WriteAsync("data: 1\n\n"u8.ToArray(), Cancelled);
        await output.WriteAsync("data: 22\n\n"u8.ToArray(), Cancelled);
        await output.CompleteAsync();
        const string Answer = "HTTP/1.1 200 OK\r\n\r\n9\r\ndata: 1\n\n\r\na\r\ndata: 22\n\n\r\n0\r\n\r\n";
        Assert.Equal(Answer, Encoding.UTF8.GetString(await ReadAsync(Answer.Length)));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_paced_answer_waits_for_its_client_and_is_complete()
    {
        var output = new PacedSocketOutput(_server, 4_096, () => { });
        var text = new string('x', Large);
        var writing = output.WriteAsync(Encoding.UTF8.GetBytes(text), Cancelled);

        Assert.False(writing.IsCompleted);
        var chunk = $"3d0900\r\n{text}\r\n";
        Assert.Equal(chunk, Encoding.UTF8.GetString(await ReadAsync(chunk.Length)));
        await writing;
    }

    [Fact]
    public void A_paced_answer_has_at_most_a_kilobyte_ahead_of_its_next_token()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems have no such limit.");
        _ = new PacedSocketOutput(_server, 4_096, () => { });
        Assert.Equal(1_024, TcpOption(25)); // TCP_NOTSENT_LOWAT
    }

    [Fact(Timeout = 60_000)]
    public async Task A_paced_answer_whose_client_has_left_fails_as_a_lost_connection()
    {
        var aborted = 0;
        var output = new PacedSocketOutput(_server, 4_096, () => aborted++);
        Reset();
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            while (true)
                await output.WriteAsync("data: x\n\n"u8.ToArray(), Cancelled);
        });
        output.Abort();
        Assert.Equal(1, aborted);
        _server.Dispose();

        var late = new PacedSocketOutput(_server, 4_096, () => { });
        await Assert.ThrowsAsync<IOException>(() => late.WriteAsync("data: x\n\n"u8.ToArray(), Cancelled));
    }

    [Fact]
    public void The_kernel_holds_no_more_unsent_bytes_of_a_stream_than_it_may()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems have no such limit.");
        StreamSocket.LimitUnsent(_server, kilobytes: 128);
        Assert.Equal(128 * 1_024, Unsent());
        StreamSocket.LimitUnsent(_server, kilobytes: 0); // the limit that the socket has
        Assert.Equal(128 * 1_024, Unsent());
        StreamSocket.LimitUnsent(socket: null, kilobytes: 128);
        _server.Dispose();
        StreamSocket.LimitUnsent(_server, kilobytes: 128);

        int Unsent() => TcpOption(25); // TCP_NOTSENT_LOWAT
    }

    /// <summary>Otherwise a client that has lost its network keeps its place for a quarter of an hour, the time after
    /// which Linux gives up.</summary>
    [Fact]
    public void Connections_inherit_the_kernel_limits_of_the_server_s_listener()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems have no such limits.");
        var sockets = new SocketTransportOptions();
        StreamServer.ConfigureSockets(sockets, new SseOptions { UnsentKilobytes = 64, DeadSeconds = 200 });

        using var listener = sockets.CreateBoundListenSocket(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var client = new Socket(SocketType.Stream, ProtocolType.Tcp);

        client.Connect(listener.LocalEndPoint!);
        using var accepted = listener.Accept();

        Assert.Equal(64 * 1_024, TcpOption(25, accepted)); // TCP_NOTSENT_LOWAT
        Assert.Equal(200_000, TcpOption(18, accepted)); // TCP_USER_TIMEOUT
    }

    private int TcpOption(int name, Socket? socket = null)
    {
        Span<byte> bytes = stackalloc byte[4];
        (socket ?? _server).GetRawSocketOption(6, name, bytes); // IPPROTO_TCP
        return BitConverter.ToInt32(bytes);
    }

    [Fact]
    public void The_kernel_knows_the_round_trip_time_of_an_open_connection()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Other systems do not tell it.");
        Assert.InRange(StreamSocket.RoundTrip(_server)!.Value, 0, 60_000);
        Assert.Null(StreamSocket.RoundTrip((Socket?)null));
        var output = Output();
        Assert.InRange(output.RoundTrip!.Value, 0, 60_000);
        output.Disconnect();
        Assert.Null(output.RoundTrip);
        _server.Dispose();
        Assert.Null(StreamSocket.RoundTrip(_server));
    }

    private SocketOutput Output()
    {
        var output = new SocketOutput(NativeSocket.TakeFrom(_server)!, _watch, _pending);
        output.Watch(_owner);
        return output;
    }

    /// <summary>Ends the client's side, so that the next write to it fails.</summary>
    private void Reset()
    {
        _client.LingerState = new LingerOption(true, 0);
        _client.Dispose();
    }

    private async Task<byte[]> ReadAsync(int length)
    {
        var bytes = new byte[length];

        for (var read = 0; read < length; )
        {
            var number = await _client.ReceiveAsync(bytes.AsMemory(read), Cancelled);
            Assert.NotEqual(0, number);
            read += number;
        }

        return bytes;
    }

    /// <summary>A stream that has nothing more to write.</summary>
    private sealed class Unread : IOutputOwner
    {
        public bool IsGone { get; private set; }

        public void Ready() { }

        public void Gone() => IsGone = true;

        public void EndStalled() => Assert.Fail("The memory suffices.");
    }
}
