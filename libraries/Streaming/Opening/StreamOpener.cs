using Streaming.Access;
using Streaming.Connections;
using Streaming.Feed;
using Streaming.Takeover;

namespace Streaming.Opening;

/// <summary>Opens streams of events: sends the head at once, and gives the connection to a writer loop.</summary>
internal sealed class StreamOpener(
    StreamSeats seats,
    StreamStart start,
    StreamRunner runner,
    LiveFeed feed,
    IStreamAccess access
)
{
    /// <summary>Returns when the stream has ended, or its connection has been taken over.</summary>
    public Task OpenAsync(HttpContext context, StreamRequest request) =>
        OpenAsync(context, () => Task.FromResult(request));

    /// <summary>Calls <paramref name="begin"/> only once there is a seat: a refused request costs no work.</summary>
    public async Task OpenAsync(HttpContext context, Func<Task<StreamRequest>> begin)
    {
        var key = access.ClientOf(context);
        if (await seats.TakeAsync(context, key) is not { } seat)
            return;

        var taken = false;
        try
        {
            await feed.UntilStartedAsync(context.RequestAborted);
            var request = await begin();
            if (await start.OfAsync(request, context.RequestAborted) is not { } position)
            {
                await context.AskToReconnectAsync("The store does not answer. Reconnect.");
                return;
            }

            var client = StreamClient.Of(context, key.Person);
            var opening = new StreamOpening(request, position, client, access.GrantOf(context));
            StreamResponseHeaders.Set(context);

            // The connection outlives its request where it can be taken over: a request costs some kilobytes.
            if (context.Features.Get<IConnectionTakeover>() is { } takeover && takeover.TryArm(context))
            {
                await context.Response.StartAsync();
                takeover.Complete(over => runner.RunTakenAsync(over, opening, seat));
                taken = true;
                return;
            }

            await context.Response.StartAsync();
            await runner.RunHeldAsync(context, opening);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested) { }
        finally
        {
            if (!taken)
                seat.Dispose();
        }
    }
}
