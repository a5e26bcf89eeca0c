using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Streaming.Connections;
using Streaming.Opening;
using Streaming.Takeover;

namespace Unit.Streaming;

public sealed class PushOpenerTests
{
    private readonly IOptions<SseOptions> _options = Options.Create(new SseOptions { MaxAgeSeconds = 60 });
    private readonly StreamSeats _seats;
    private readonly PushOpener _streams;

    public PushOpenerTests()
    {
        var access = new Anyone();
        var clock = TimeProvider.System;
        _seats = new StreamSeats(_options, new ConfigurationBuilder().Build());
        _streams = new PushOpener(
            _seats,
            new ConnectionRegistry(
                new StreamEndLogger(clock, NullLogger<StreamEndLogger>.Instance),
                new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance)
            ),
            access,
            _options,
            clock
        );
    }

    [Fact]
    public async Task A_client_that_leaves_before_its_connection_is_taken_over_gives_its_place_back()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var context = new DefaultHttpContext();
        var takeover = new KeptTakeover();
        context.Features.Set<IConnectionTakeover>(takeover);
        context.Features.Set<IConnectionSocketFeature>(new SocketFeature(socket));
        await _streams.OpenAsync(
            context,
            ["chat"],
            (push, _) => push.WriteAsync("data: x\n\n"u8.ToArray()),
            new PushSettings(SendBuffer: 4_096)
        );
        Assert.Equal(1, _seats.Taken);
        socket.Dispose();
        await takeover.Run!(Gone());
        Assert.Equal(0, _seats.Taken);
    }

    [Theory]
    [InlineData(null, false, true)]
    [InlineData(null, true, true)]
    [InlineData(0, false, false)] // the server stops without a pause
    [InlineData(30, true, false)]
    public async Task Streams_age_unless_their_end_would_lose_the_rest(int? graceSeconds, bool isBare, bool ages)
    {
        EndReason? end = null;
        await _streams.OpenAsync(
            new DefaultHttpContext(),
            ["list"],
            (push, _) =>
            {
                end = push.Deadlines.EndAt(TimeProvider.System.Milliseconds() + 100_000);
                return Task.CompletedTask;
            },
            new PushSettings(graceSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null, Bare: isBare)
        );
        Assert.Equal(ages ? EndReason.Aged : null, end);
    }

    /// <summary>A connection whose client has left.</summary>
    private static TakenConnection Gone()
    {
        var input = new Pipe();
        input.Writer.Complete();
        return new TakenConnection(
            new DefaultConnectionContext("gone") { Transport = new Duplex(input.Reader, new Pipe().Writer) },
            default,
            isFresh: true,
            new OpenConnections(TimeProvider.System)
        );
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    private sealed record SocketFeature(Socket Socket) : IConnectionSocketFeature;

    /// <summary>Keeps what would run on the connection.</summary>
    private sealed class KeptTakeover : IConnectionTakeover
    {
        public Func<TakenConnection, Task>? Run { get; private set; }

        public bool TryArm(HttpContext context) => true;

        public void Complete(Func<TakenConnection, Task> run) => Run = run;
    }
}
