using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Options;
using Streaming.Access;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Feed;
using Streaming.Frames;
using Streaming.Takeover;

namespace Streaming.Opening;

/// <summary>
/// Opens streams of events: answers with the head at once, and gives the connection to a writer loop.
/// </summary>
internal sealed class StreamOpener(
    StreamAdmission admission,
    StreamStart start,
    StreamLifetime lifetime,
    FilterLogs logs,
    WriterLoops loops,
    PendingWrites pending,
    LiveFeed feed,
    IStreamAccess access,
    IOptions<StreamingOptions> options,
    TimeProvider clock
)
{
    /// <summary>
    /// Answers the request with the stream. Returns when the stream has ended, or its connection has been taken over.
    /// </summary>
    public Task OpenAsync(HttpContext context, StreamRequest request) =>
        OpenAsync(context, () => Task.FromResult(request));

    /// <summary>
    /// Answers the request with a stream whose work <paramref name="begin"/> starts. It is called only when the stream
    /// has its place: a refused request must not cost the work, because no client would read it.
    /// </summary>
    public async Task OpenAsync(HttpContext context, Func<Task<StreamRequest>> begin)
    {
        var (place, refuse) = admission.Enter(context);
        if (place is null)
        {
            await refuse!();
            return;
        }
        var taken = false;
        try
        {
            await feed.UntilStartedAsync(clock, context.RequestAborted);
            var request = await begin();
            if (await start.OfAsync(request, context.RequestAborted) is not { } position)
            {
                await StreamAdmission.AskToReconnectAsync(
                    context,
                    options.Value,
                    "The store does not answer. Reconnect."
                );
                return;
            }
            var (client, grant) = (StreamClient.Of(context), access.GrantOf(context));
            StreamHead.Set(context);
            if (context.Features.Get<IConnectionTakeover>() is { } takeover && takeover.TryArm(context))
            {
                await context.Response.StartAsync();
                takeover.Complete(over => RunTakenAsync(over, request, position, client, grant, place));
                taken = true;
                return;
            }
            await context.Response.StartAsync();
            await RunHeldAsync(context, request, position, client, grant);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested) { }
        finally
        {
            if (!taken)
                place.Dispose();
        }
    }

    /// <summary>Runs a stream on a taken-over connection (HTTP/1.1 without TLS), which outlives its request.</summary>
    private async Task RunTakenAsync(
        TakenConnection over,
        StreamRequest request,
        StartPosition position,
        StreamClient client,
        StreamGrant grant,
        IDisposable place
    )
    {
        using var given = place; // first: a failure of anything else must give the place back
        var socket = over.Connection.Features.Get<IConnectionSocketFeature>()?.Socket;
        StreamOutput output =
            over.IsFresh && socket is not null && options.Value.RawSocket
                ? new SocketOutput(socket, pending)
                : new PipeOutput(over.Connection.Transport.Output, chunked: true, pending, socket);
        var connection = Connect(request, position, output, client, grant, over.TakeHead().Span);
        try
        {
            connection.OnEnd = over.Connection.Transport.Input.CancelPendingRead;
            loops.Attach(connection);
            await over.ReadUntilGoneAsync();
            connection.Stop(EndReason.ClientGone);
            await connection.Ended;
            if (connection.Output.Busy)
                over.Connection.Abort();
        }
        finally
        {
            Disconnect(connection);
        }
    }

    /// <summary>Runs a stream within its request (TLS, HTTP/2), which stays open as long as the stream.</summary>
    private async Task RunHeldAsync(
        HttpContext context,
        StreamRequest request,
        StartPosition position,
        StreamClient client,
        StreamGrant grant
    )
    {
        var output = new PipeOutput(context.Response.BodyWriter, chunked: false, pending);
        var connection = Connect(request, position, output, client, grant);
        try
        {
            loops.Attach(connection);
            await using (
                context.RequestAborted.UnsafeRegister(
                    static c => ((StreamConnection)c!).Stop(EndReason.ClientGone),
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
        StreamRequest request,
        StartPosition position,
        StreamOutput output,
        StreamClient client,
        StreamGrant grant,
        ReadOnlySpan<byte> head = default
    )
    {
        UnsentLimit.Set(client.Socket, options.Value.UnsentKilobytes);
        var id = Guid.CreateVersion7().ToString("N");
        var greet = request.Greeting ?? Greetings.Connected;
        var connection = new StreamConnection(id, logs.Acquire(request.Filter), logs, output, client)
        {
            Epoch = position.From.Epoch,
            Position = position.From.Position,
            IdSent = position.From.Position,
            EventSent = position.From.Position,
            HasKeptUp = position.From.Position >= position.Head.Position,
            Slow = request.Slow,
            IsFinite = request.ResyncAfter is not null,
            ConnectedAt = clock.GetUtcNow(),
            Expiry = grant.Expiry,
            Session = grant.Session,
            Opening =
            [
                .. head,
                .. output.Framed([
                    .. ControlFrames.Retry(options.Value.NextRetry()),
                    .. greet(position.After, position.Head, id, options.Value.Replica),
                    .. ResyncOf(request, position),
                ]),
            ],
        };
        lifetime.Begin(connection);
        return connection;
    }

    private void Disconnect(StreamConnection connection)
    {
        lifetime.End(connection);
        logs.Release(connection.Log);
    }

    private static byte[] ResyncOf(StreamRequest request, StartPosition position) =>
        position.Kind == StartKind.Resync
            ? ControlFrames.Resync(position.Reason, request.Last.Text, position.From)
            : [];
}
