using System.Buffers;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Options;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Requests;
using Streaming.Sockets;
using Streaming.Takeover;

namespace Streaming.Opening;

/// <summary>A stream that has its seat.</summary>
internal sealed record StreamOpening(StreamRequest Request, StreamClient Client, StreamGrant Grant)
{
    /// <summary>Makes the connection, which begins with its greeting. The caller releases its ring at its
    /// end.</summary>
    /// <param name="head">The head of the response, if it has not been sent.</param>
    public StreamConnection Connect(
        StartDecision start,
        FilterRingRegistry rings,
        StreamOutput output,
        ReadOnlySpan<byte> head,
        SseOptions options,
        TimeProvider clock
    )
    {
        var id = Guid.CreateVersion7().ToString("N");
        var greet = Request.Greeting ?? Greetings.Connected;
        using var greeting = new PooledBuffer();
        greeting.Write(SseFrame.FirstLine);
        greet(greeting, start.After, start.Head, id, options.Replica, ReconnectionTime.Next(options));

        var ring = rings.Acquire(Request.Filter);
        var maxAge = MaxStreamAge.Next(options, Grant.IsSignedIn);
        return new StreamConnection(id, ring, rings, output, Client, start.From, start.Head.Position)
        {
            SlowPolicy = Request.Slow,
            IsFinite = Request.ResyncAfter is not null,
            ConnectedAt = clock.GetUtcNow(),
            Deadlines = new(Grant.Expiry, clock.Milliseconds(), maxAge, options.HeartbeatSeconds),
            Session = Grant.Session,
            Greeting = output.Framed(greeting.Written.Span, head),
            BeforeEvents = ResyncOf(start) is { } resync ? output.Framed(resync) : null,
            Shown = Request.Shown,
        };
    }

    private byte[]? ResyncOf(StartDecision start) =>
        start.Kind == StartKind.Resync
            ? ControlFrames.Resync(start.Reason, Request.Last.Text, Request.Filter.IdOf(start.From))
            : null;
}

/// <summary>Runs streams from their first frame until they have ended or their clients have gone.</summary>
internal sealed class StreamRunner(
    FilterRingRegistry rings,
    WriterLoopPool loops,
    SocketWatch watch,
    PendingWriteBudget pending,
    ConnectionRegistry registry,
    IOptions<SseOptions> options,
    TimeProvider clock
)
{
    /// <summary>Runs a stream on a taken-over connection (HTTP/1.1 without TLS), and releases its seat. Returns when
    /// the stream has ended, or needs nothing more of Kestrel.</summary>
    /// <param name="starting">The start. Its result is not null.</param>
    public Task RunTakenAsync(
        TakenConnection over,
        StreamOpening opening,
        Task<StartDecision?> starting,
        IDisposable seat
    )
    {
        DetachedConnection? own;
        try
        {
            own = over.Detach();
        }
        catch
        {
            seat.Dispose();
            throw;
        }

        if (own is null)
            return HoldAsync(over, opening, starting, seat);

        // Kestrel's part of the connection does not wait for the start.
        _ = RunDetachedAsync(own, opening, starting, over.TakeHead(), seat);
        return Task.CompletedTask;
    }

    private async Task RunDetachedAsync(
        DetachedConnection own,
        StreamOpening opening,
        Task<StartDecision?> starting,
        ReadOnlyMemory<byte> head,
        IDisposable seat
    )
    {
        var output = new SocketOutput(own.Socket, watch, pending);
        StreamConnection connection;
        try
        {
            connection = Connect(opening, (await starting)!.Value, output, head.Span);
        }
        catch (Exception e)
        {
            own.Dispose();
            seat.Dispose();
            registry.ReportUnopened(opening.Client, e);
            return;
        }

        connection.AfterEnd = new EndedStream(this, connection, output, own, seat).Queue;
        try
        {
            output.Watch(connection);
            loops.Attach(connection);
        }
        catch (Exception e)
        {
            registry.ReportUnopened(opening.Client, e);
            connection.MarkEnded(EndReason.Failed);
        }
    }

    private async Task HoldAsync(
        TakenConnection over,
        StreamOpening opening,
        Task<StartDecision?> starting,
        IDisposable seat
    )
    {
        using var given = seat; // first: a failure of anything else must give the seat back
        var start = (await starting)!.Value;
        var pipe = over.Connection.Transport;
        var output = new PipeOutput(pipe.Output, chunked: true, pending, over.Socket);
        var connection = Connect(opening, start, output, over.TakeHead().Span);
        try
        {
            loops.Attach(connection);

            var reading = over.ReadUntilGoneAsync();
            if (await Task.WhenAny(reading, connection.Ended) == reading)
                connection.RequestEnd(EndReason.ClientGone);

            await connection.Ended;
            if (output.Busy)
                over.Connection.Abort();

            pipe.Input.CancelPendingRead();
            await reading;
        }
        finally
        {
            Disconnect(connection);
        }
    }

    /// <summary>Closes the connection of a detached stream, after the end of the stream.</summary>
    private sealed class EndedStream(
        StreamRunner runner,
        StreamConnection connection,
        SocketOutput output,
        DetachedConnection own,
        IDisposable seat
    ) : IThreadPoolWorkItem
    {
        /// <summary>Queues the work on the thread pool, because the writer loop must not wait for it.</summary>
        public void Queue() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

        public void Execute()
        {
            output.Disconnect();
            seat.Dispose();
            own.Dispose();

            try
            {
                runner.Disconnect(connection);
            }
            catch (Exception) { } // a logger of the application failed: here that would end the process
        }
    }

    /// <summary>Runs a stream within its request (TLS, HTTP/2), which stays open as long as the stream.</summary>
    public async Task RunHeldAsync(HttpContext context, StreamOpening opening, StartDecision start)
    {
        var socket = context.Features.Get<IConnectionSocketFeature>()?.Socket;
        var output = new PipeOutput(context.Response.BodyWriter, chunked: false, pending, socket);
        var connection = Connect(opening, start, output);
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

    private StreamConnection Connect(
        StreamOpening opening,
        StartDecision start,
        StreamOutput output,
        ReadOnlySpan<byte> head = default
    )
    {
        var connection = opening.Connect(start, rings, output, head, options.Value, clock);
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
        try
        {
            registry.Remove(connection);
        }
        finally
        {
            rings.Release(connection.Ring);
        }
    }
}
