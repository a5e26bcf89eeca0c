using System.Diagnostics;
using EventStore;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Streaming.Access;
using Streaming.Connections;
using Streaming.Endpoints;
using Streaming.Fanout;
using Streaming.Feed;
using Streaming.Frames;
using Streaming.Requests;
using Streaming.Takeover;

namespace Streaming;

/// <summary>Opens streams: decides where one starts, answers with the head at once, and gives the connection to a
/// writer loop.</summary>
internal sealed class Streams(
    FilterLogs logs,
    WriterLoops loops,
    ConnectionRegistry registry,
    LiveFeed feed,
    StoreHead storeHead,
    [FromKeyedServices(StorePool.Replays)] EventReader reader,
    StreamingMetrics metrics,
    ConnectionLog endings,
    PendingWrites pending,
    IOptions<StreamingOptions> options,
    IStreamAccess access,
    TimeProvider clock,
    IHostApplicationLifetime lifetime
)
{
    public string Replica => options.Value.Replica;

    /// <summary>Answers the request with the stream. Returns when the stream has ended, or its connection been handed
    /// over.</summary>
    public async Task OpenAsync(HttpContext context, StreamRequest request)
    {
        if (
            registry.TryEnter(
                PoolOf(context),
                access.ClientOf(context),
                resume: request.Last.Id is not null,
                out var place
            )
            is not Admission.Admitted
                and var refused
        )
        {
            await RefuseAsync(context, request.Last, refused);
            return;
        }
        var taken = false;
        try
        {
            await feed.Started.WaitAsync(context.RequestAborted);
            var start = await StartOf(request, context.RequestAborted);
            var (client, grant) = (ClientOf(context), access.GrantOf(context));
            SetHead(context);
            if (context.Features.Get<IConnectionTakeover>() is { } takeover && takeover.TryArm(context))
            {
                await context.Response.StartAsync();
                takeover.Complete(over => RunTakenAsync(over, request, start, client, grant, place!));
                taken = true;
                return;
            }
            await context.Response.StartAsync();
            await RunHeldAsync(context, request, start, client, grant);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested) { }
        finally
        {
            if (!taken)
                place!.Dispose();
        }
    }

    private async Task RunTakenAsync(
        TakenConnection over,
        StreamRequest request,
        Start start,
        StreamClient client,
        StreamGrant grant,
        IDisposable place
    )
    {
        var socket = over.Connection.Features.Get<IConnectionSocketFeature>()?.Socket;
        StreamOutput output =
            over.IsFresh && socket is not null && options.Value.RawSocket
                ? new SocketOutput(socket, pending)
                : new PipeOutput(over.Connection.Transport.Output, chunked: true, pending);
        using var taken = place;
        var connection = Connect(request, start, output, client, grant, over.TakeHead().Span);
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

    private async Task RunHeldAsync(
        HttpContext context,
        StreamRequest request,
        Start start,
        StreamClient client,
        StreamGrant grant
    )
    {
        var connection = Connect(
            request,
            start,
            new PipeOutput(context.Response.BodyWriter, chunked: false, pending),
            client,
            grant
        );
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
        Start start,
        StreamOutput output,
        StreamClient client,
        StreamGrant grant,
        ReadOnlySpan<byte> head = default
    )
    {
        UnsentLimit.Set(client.Socket, options.Value.UnsentKilobytes);
        var id = Guid.CreateVersion7().ToString("N");
        var greeting = (request.Greeting ?? Greetings.Connected)(start.After, start.Head, id, options.Value.Replica);
        var connection = new StreamConnection(id, logs.Acquire(request.Filter), logs, output, client)
        {
            Epoch = start.From.Epoch,
            Position = start.From.Position,
            Slow = request.Slow,
            IsFinite = request.ResyncAfter is not null,
            ConnectedAt = clock.GetUtcNow(),
            Expiry = grant.Expiry,
            Session = grant.Session,
            Opening =
            [
                .. head,
                .. output.Framed([.. ControlFrames.Retry(options.Value.NextRetry()), .. greeting, .. start.Resync]),
            ],
        };
        registry.Add(connection);
        grant.Session?.Enter(connection);
        // A drain that began before the registry knew the connection has missed it.
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            connection.Stop(EndReason.Drained);
        return connection;
    }

    private void Disconnect(StreamConnection connection)
    {
        registry.Remove(connection);
        connection.Session?.Leave(connection);
        logs.Release(connection.Log);
        endings.Record(connection);
    }

    /// <summary>Where a stream starts, and what the client must be told of it.</summary>
    private readonly record struct Start(StreamId Head, StreamId After, StreamId From, byte[] Resync);

    private async Task<Start> StartOf(StreamRequest request, CancellationToken cancellationToken)
    {
        var here = new StreamId(logs.Epoch, logs.Settled);
        if (request.Last.Id is null && request.StartAfter is { } given)
            return new Start(here, given, given, []);
        // A position that this replica has come by needs no question to the store.
        if (request.Last.Id is { } known && known.Epoch == here.Epoch && known.Position <= here.Position)
            return Resumed(here, known);
        var told = await storeHead.ReadAsync(cancellationToken);
        var head = told is { } read && read.Epoch == here.Epoch && read.Position > here.Position ? read : here;
        if (request.Last.Text is null)
        {
            if (!request.FromEarliest)
                return new Start(head, head, head, []);
            var earliest = head with { Position = (await reader.HeadAsync(cancellationToken)).DroppedThrough };
            return new Start(head, earliest, earliest, []);
        }
        var state = request.ResyncAfter ?? head;
        if (request.Last.Id is not { } last)
            return Resync(state, state, request.OrdinalIsBeyond ? ResyncReason.Future : ResyncReason.Malformed);
        if (last.Epoch != head.Epoch)
            return Resync(last, state, ResyncReason.Epoch);
        if (last.Position <= head.Position)
            return Resumed(head, last);
        // Only the store knows what nobody can have seen. While it does not answer, another replica may well be ahead
        // of this one: the
        // id is believed, and the stream goes on when the feed has come by.
        return told is null ? Resumed(last, last) : Resync(last, state, ResyncReason.Future);

        Start Resumed(StreamId head, StreamId last)
        {
            metrics.Resumed(fromMemory: last.Position >= logs.RecentBase);
            return new Start(head, last, last, []);
        }

        Start Resync(StreamId after, StreamId from, ResyncReason reason)
        {
            metrics.Resynced(reason);
            return new Start(head, after, from, ControlFrames.Resync(reason, request.Last.Text, from));
        }
    }

    /// <summary>
    /// Opens a stream that an endpoint writes by itself: frames of one request. Counted, listed and drained like the
    /// others. What is
    /// produced must not use the context: its connection may have been handed over.
    /// </summary>
    public async Task OpenPushAsync(
        HttpContext context,
        IReadOnlyList<string> topics,
        Func<PushStream, CancellationToken, Task> produce,
        PushSettings? settings = null
    )
    {
        settings ??= new PushSettings();
        if (
            registry.TryEnter(PoolOf(context), access.ClientOf(context), resume: false, out var place)
            is not Admission.Admitted
                and var refused
        )
        {
            await RefuseAsync(context, default, refused);
            return;
        }
        var taken = false;
        try
        {
            SetHead(context);
            // An answer of one request, which cannot be resumed, is heard out: it was asked for in time.
            var (client, grant) = (
                ClientOf(context),
                settings.Grace > TimeSpan.Zero || settings.Bare ? StreamGrant.Endless : access.GrantOf(context)
            );
            if (
                settings.SendBuffer is { } size
                && client.Socket is { } socket
                && context.Features.Get<IConnectionTakeover>() is { } takeover
                && takeover.TryArm(context)
            )
            {
                await context.Response.StartAsync();
                takeover.Complete(over =>
                    PushTakenAsync(
                        over,
                        new PacedSocketOutput(socket, size, () => over.Connection.Abort()),
                        client,
                        grant,
                        topics,
                        produce,
                        settings,
                        place!
                    )
                );
                taken = true;
                return;
            }
            await context.Response.StartAsync();
            await PushAsync(
                new ResponseOutput(context),
                client,
                grant,
                topics,
                produce,
                settings,
                context.RequestAborted
            );
        }
        finally
        {
            if (!taken)
                place!.Dispose();
        }
    }

    private async Task PushTakenAsync(
        TakenConnection over,
        PacedSocketOutput output,
        StreamClient client,
        StreamGrant grant,
        IReadOnlyList<string> topics,
        Func<PushStream, CancellationToken, Task> produce,
        PushSettings settings,
        IDisposable place
    )
    {
        using var gone = new CancellationTokenSource();
        using (place)
        {
            output.Head = over.TakeHead().ToArray();
            var pushing = PushAsync(output, client, grant, topics, produce, settings, gone.Token);
            var reading = over.ReadUntilGoneAsync();
            if (await Task.WhenAny(pushing, reading) == reading)
                await gone.CancelAsync();
            await pushing;
            over.Connection.Transport.Input.CancelPendingRead();
            await reading;
        }
    }

    private async Task PushAsync(
        PushOutput output,
        StreamClient client,
        StreamGrant grant,
        IReadOnlyList<string> topics,
        Func<PushStream, CancellationToken, Task> produce,
        PushSettings settings,
        CancellationToken aborted
    )
    {
        await using var push = new PushStream(
            Guid.CreateVersion7().ToString("N"),
            client,
            topics,
            output,
            options.Value,
            settings,
            aborted
        )
        {
            ConnectedAt = clock.GetUtcNow(),
            Expiry = grant.Expiry,
            Session = grant.Session,
        };
        registry.Add(push);
        grant.Session?.Enter(push);
        if (lifetime.ApplicationStopping.IsCancellationRequested)
            push.Stop(EndReason.Drained);
        try
        {
            await push.RunAsync(produce);
        }
        finally
        {
            registry.Remove(push);
            push.Session?.Leave(push);
            endings.Record(push);
        }
    }

    private static void SetHead(HttpContext context)
    {
        var response = context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold the frames back
        context.Features.Get<IResponseRateFeature>()?.Disable();
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }

    /// <summary>A stream that says when to come back, and ends.</summary>
    public static async Task PutOffAsync(HttpContext context, StreamingOptions options, string why)
    {
        context.Response.StatusCode = StatusCodes.Status200OK;
        SetHead(context);
        await context.Response.Body.WriteAsync(SseFrame.ToBytes(f => f.Retry(options.NextRetry()).Comment(why).End()));
    }

    /// <summary>No place: a resuming browser must come back, and 503 would stop it for good (HTML Living Standard
    /// §9.2.3).</summary>
    private async Task RefuseAsync(HttpContext context, LastEventId last, Admission why)
    {
        if (last.Id is not null)
        {
            await PutOffAsync(context, options.Value, "no place on this server now, come back");
            return;
        }
        context.Response.Headers.RetryAfter = "5";
        var (status, title, detail) =
            why == Admission.Full
                ? (
                    StatusCodes.Status503ServiceUnavailable,
                    "Too many streams",
                    "This server has as many streams open as it may (Streaming:MaxConnections, Pools). Try again in some seconds."
                )
                : (
                    StatusCodes.Status429TooManyRequests,
                    "Too many streams of one client",
                    "You have as many streams open as one client may (Streaming:MaxConnectionsPerClient). Close one first."
                );
        await TypedResults.Problem(statusCode: status, title: title, detail: detail).ExecuteAsync(context);
    }

    private static string? PoolOf(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<StreamPoolMetadata>()?.Name;

    private static StreamClient ClientOf(HttpContext context) =>
        new(
            context.ClientEndPoint(),
            context.User.Identity?.Name,
            (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? context.Request.Path,
            context.Features.Get<IConnectionSocketFeature>()?.Socket,
            Activity.Current?.Context ?? default
        );
}
