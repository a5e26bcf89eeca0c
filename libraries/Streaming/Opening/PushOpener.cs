using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Options;
using Streaming.Connections;
using Streaming.Takeover;

namespace Streaming.Opening;

/// <summary>Opens streams that an endpoint writes for one request. They are counted, listed and drained like other
/// streams.</summary>
internal sealed class PushOpener(
    StreamSeats seats,
    ConnectionRegistry registry,
    IStreamAccess access,
    IOptions<SseOptions> options,
    TimeProvider clock
)
{
    private sealed record Opened(
        StreamClient Client,
        StreamGrant Grant,
        IReadOnlyList<string> Topics,
        Func<PushStream, CancellationToken, Task> Produce,
        PushSettings Settings,
        bool MayAge
    );

    /// <summary>Takes a seat before the work begins, or returns null if the request was refused. Dispose the seat if no
    /// stream follows.</summary>
    public ValueTask<IDisposable?> EnterAsync(HttpContext context)
    {
        LongResponse.Announce(context);
        return seats.TakeAsync(context, access.ClientOf(context));
    }

    /// <summary>Streams what <paramref name="produce"/> writes. It must not use the context, whose connection may have
    /// been taken over.</summary>
    public async Task OpenAsync(
        HttpContext context,
        IReadOnlyList<string> topics,
        Func<PushStream, CancellationToken, Task> produce,
        PushSettings? settings = null,
        IDisposable? seat = null
    )
    {
        settings ??= new PushSettings();
        seat ??= await EnterAsync(context);
        if (seat is null)
            return;

        var taken = false;
        try
        {
            StreamResponseHeaders.Set(context);
            // An answer that cannot be resumed continues to its end, even if the right to read it ends before, or the
            // stream reaches its maximum age.
            var isEndless = settings.Grace is not null;
            var grant = isEndless ? StreamGrant.Endless : CallerGrant.Of(context, access.CallerOf(context));
            var opened = new Opened(
                RequestClient.Of(context, access.ClientOf(context).Person),
                grant,
                topics,
                produce,
                settings,
                MayAge: !isEndless
            );
            if (
                settings.SendBuffer is { } size
                && context.Features.Get<IConnectionSocketFeature>()?.Socket is { } socket
                && context.Features.Get<IConnectionTakeover>() is { } takeover
                && takeover.TryArm(context)
            )
            {
                await context.Response.StartAsync();
                takeover.Complete(over => RunTakenAsync(over, socket, size, opened, seat));
                taken = true;
                return;
            }

            await context.Response.StartAsync();
            await RunAsync(new ResponseOutput(context), opened, context.RequestAborted);
        }
        finally
        {
            if (!taken)
                seat.Dispose();
        }
    }

    /// <summary>Runs a stream on a taken-over connection, whose client may have left already.</summary>
    private async Task RunTakenAsync(
        TakenConnection over,
        Socket socket,
        int sendBuffer,
        Opened opened,
        IDisposable seat
    )
    {
        using var given = seat; // first: a failure of anything else must give the seat back
        using var gone = new CancellationTokenSource();
        var output = new PacedSocketOutput(socket, sendBuffer, () => over.Connection.Abort())
        {
            Head = over.TakeHead().ToArray(),
        };
        var writing = RunAsync(output, opened, gone.Token);

        var reading = over.ReadUntilGoneAsync();
        if (await Task.WhenAny(writing, reading) == reading)
            await gone.CancelAsync();

        await writing;
        over.Connection.Transport.Input.CancelPendingRead();
        await reading;
    }

    private async Task RunAsync(PushOutput output, Opened opened, CancellationToken aborted)
    {
        using var push = new PushStream(
            Guid.CreateVersion7().ToString("N"),
            opened.Client,
            opened.Topics,
            output,
            options.Value,
            opened.Settings,
            clock
        )
        {
            ConnectedAt = clock.GetUtcNow(),
            Deadlines = new(
                opened.Grant.Expiry,
                clock.Milliseconds(),
                opened.MayAge ? MaxStreamAge.Next(options.Value, opened.Grant.IsSignedIn) : long.MaxValue,
                opened.Settings.HeartbeatSeconds ?? options.Value.HeartbeatSeconds
            ),
            Session = opened.Grant.Session,
        };
        registry.Add(push);

        try
        {
            await push.RunAsync(opened.Produce, aborted);
        }
        finally
        {
            registry.Remove(push);
        }
    }
}
