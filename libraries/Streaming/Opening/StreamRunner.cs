using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Options;
using Streaming.Access;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Takeover;

namespace Streaming.Opening;

/// <summary>A stream that has its seat and its start.</summary>
internal sealed record StreamOpening(StreamRequest Request, StartDecision Start, StreamClient Client, StreamGrant Grant)
{
    /// <summary>Makes the connection, which begins with its greeting. Its ring must be released at its end.</summary>
    /// <param name="head">The head of the response, if it has not been sent.</param>
    public StreamConnection Connect(
        FilterRingRegistry rings,
        StreamOutput output,
        ReadOnlySpan<byte> head,
        SseOptions options,
        TimeProvider clock
    )
    {
        var id = Guid.CreateVersion7().ToString("N");
        var greet = Request.Greeting ?? Greetings.Connected;
        byte[] greeting =
        [
            .. SseFrame.FirstLine,
            .. greet(Start.After, Start.Head, id, options.Replica, options.NextRetry()),
        ];

        var ring = rings.Acquire(Request.Filter);
        var maxAge = options.NextMaxAge(Grant.IsSignedIn);
        return new StreamConnection(id, ring, rings, output, Client, Start.From, Start.Head.Position)
        {
            SlowPolicy = Request.Slow,
            IsFinite = Request.ResyncAfter is not null,
            ConnectedAt = clock.GetUtcNow(),
            Deadlines = new(Grant.Expiry, clock.Milliseconds(), maxAge, options.HeartbeatSeconds),
            Session = Grant.Session,
            Greeting = [.. head, .. output.Framed(greeting)],
            BeforeEvents = Resync() is { } resync ? output.Framed(resync) : null,
            Shown = Request.Shown,
        };
    }

    private byte[]? Resync() =>
        Start.Kind == StartKind.Resync
            ? ControlFrames.Resync(Start.Reason, Request.Last.Text, Request.Filter.IdOf(Start.From))
            : null;
}

/// <summary>Runs streams from their first frame until they have ended or their clients have gone.</summary>
internal sealed class StreamRunner(
    FilterRingRegistry rings,
    WriterLoopPool loops,
    PendingWriteBudget pending,
    ConnectionRegistry registry,
    IOptions<SseOptions> options,
    TimeProvider clock
)
{
    /// <summary>Runs a stream on a taken-over connection (HTTP/1.1 without TLS); gives back its seat.</summary>
    /// <remarks>Not async: what only the start needs would be kept as long as the stream.</remarks>
    public Task RunTakenAsync(TakenConnection over, StreamOpening opening, IDisposable seat)
    {
        try
        {
            return HoldAsync(over, Connect(over, opening), seat);
        }
        catch
        {
            seat.Dispose();
            throw;
        }
    }

    private StreamConnection Connect(TakenConnection over, StreamOpening opening)
    {
        var socket = over.Connection.Features.Get<IConnectionSocketFeature>()?.Socket;
        StreamOutput output =
            over.IsFresh && socket is not null
                ? new SocketOutput(socket, pending)
                : new PipeOutput(over.Connection.Transport.Output, chunked: true, pending, socket);
        return Connect(opening, output, over.TakeHead().Span);
    }

    private async Task HoldAsync(TakenConnection over, StreamConnection connection, IDisposable seat)
    {
        try
        {
            connection.AfterEnd = over.Connection.Transport.Input.CancelPendingRead;
            loops.Attach(connection);
            await over.ReadUntilGoneAsync();
            connection.RequestEnd(EndReason.ClientGone);
            await connection.Ended;

            if (connection.Output.Busy)
                over.Connection.Abort();
        }
        finally
        {
            seat.Dispose();
            Disconnect(connection);
        }
    }

    /// <summary>Runs a stream within its request (TLS, HTTP/2), which stays open as long as the stream.</summary>
    public async Task RunHeldAsync(HttpContext context, StreamOpening opening)
    {
        var output = new PipeOutput(context.Response.BodyWriter, chunked: false, pending);
        var connection = Connect(opening, output);
        try
        {
            loops.Attach(connection);

            await using (
                context.RequestAborted.UnsafeRegister(
                    static c => ((StreamConnection)c!).RequestEnd(EndReason.ClientGone),
                    connection
                )
            )
                await connection.Ended;

            if (connection.Output.Busy)
                context.Abort();
        }
        finally
        {
            Disconnect(connection);
        }
    }

    private StreamConnection Connect(StreamOpening opening, StreamOutput output, ReadOnlySpan<byte> head = default)
    {
        var connection = opening.Connect(rings, output, head, options.Value, clock);
        try
        {
            registry.Add(connection);
            return connection;
        }
        catch
        {
            Disconnect(connection);
            throw;
        }
    }

    private void Disconnect(StreamConnection connection)
    {
        registry.Remove(connection);
        rings.Release(connection.Ring);
    }
}
