using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Options;
using Streaming.Access;
using Streaming.Connections;
using Streaming.Fanout;
using Streaming.Frames;
using Streaming.Takeover;

namespace Streaming.Opening;

/// <summary>A stream that has its place and its start.</summary>
/// <param name="Request">The stream that its endpoint asks for.</param>
/// <param name="Position">Its start.</param>
/// <param name="Client">Its client.</param>
/// <param name="Grant">The right to read it.</param>
internal sealed record StreamOpening(
    StreamRequest Request,
    StartPosition Position,
    StreamClient Client,
    StreamGrant Grant
);

/// <summary>
/// Runs streams from their first frame to their end: registers each, gives it to a writer loop, and waits until it or
/// its client has gone.
/// </summary>
internal sealed class StreamRunner(
    FilterLogs logs,
    WriterLoops loops,
    PendingWrites pending,
    StreamLifetime lifetime,
    IOptions<StreamingOptions> options,
    TimeProvider clock
)
{
    /// <summary>Runs a stream on a taken-over connection (HTTP/1.1 without TLS), which outlives its request.</summary>
    /// <param name="over">The connection.</param>
    /// <param name="opening">The stream.</param>
    /// <param name="place">Its place, given back at its end.</param>
    /// <remarks>Not async: what only the start needs would be kept as long as the stream.</remarks>
    public Task RunTakenAsync(TakenConnection over, StreamOpening opening, IDisposable place)
    {
        try
        {
            return HoldAsync(over, Connect(over, opening), place);
        }
        catch
        {
            place.Dispose();
            throw;
        }
    }

    private StreamConnection Connect(TakenConnection over, StreamOpening opening)
    {
        var socket = over.Connection.Features.Get<IConnectionSocketFeature>()?.Socket;
        StreamOutput output =
            over.IsFresh && socket is not null && options.Value.RawSocket
                ? new SocketOutput(socket, pending)
                : new PipeOutput(over.Connection.Transport.Output, chunked: true, pending, socket);
        return Connect(opening, output, over.TakeHead().Span);
    }

    private async Task HoldAsync(TakenConnection over, StreamConnection connection, IDisposable place)
    {
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
            place.Dispose();
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

    private StreamConnection Connect(StreamOpening stream, StreamOutput output, ReadOnlySpan<byte> head = default)
    {
        var (request, position, client, grant) = stream;
        var id = Guid.CreateVersion7().ToString("N");
        var greet = request.Greeting ?? Greetings.Connected;
        byte[] opening =
        [
            .. head,
            .. output.Framed([
                .. ControlFrames.Retry(options.Value.NextRetry()),
                .. greet(position.After, position.Head, id, options.Value.Replica),
                .. ResyncOf(request, position),
            ]),
        ];

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
            Opening = opening,
        };
        try
        {
            lifetime.Begin(connection);
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
        lifetime.End(connection);
        logs.Release(connection.Log);
    }

    private static byte[] ResyncOf(StreamRequest request, StartPosition position) =>
        position.Kind == StartKind.Resync
            ? ControlFrames.Resync(position.Reason, request.Last.Text, position.From)
            : [];
}
