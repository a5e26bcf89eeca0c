using Streaming.Feed;
using Streaming.Takeover;

namespace Streaming.Opening;

/// <summary>Opens streams of events, and gives each to a writer loop.</summary>
/// <remarks>
/// 1. Take a seat: a refused request costs no work.
/// 2. Wait until the feed has started; a request that waits too long is refused.
/// 3. Read the request, and decide where its stream starts.
/// 4. Set the headers.
/// 5. Hand the socket over to a writer loop, or hold the request while the stream is open.
/// </remarks>
internal sealed class StreamOpener(
    StreamSeats seats,
    StreamStart start,
    StreamRunner runner,
    LiveFeed feed,
    IStreamAccess access
)
{
    /// <summary>Returns when the stream has ended, or its connection has been taken over.</summary>
    public Task OpenAsync(HttpContext context, StreamRequest request) => OpenAsync(context, request, begin: null);

    /// <summary>Calls <paramref name="begin"/> only once there is a seat: a refused request costs no work.</summary>
    public Task OpenAsync(HttpContext context, Func<Task<StreamRequest>> begin) =>
        OpenAsync(context, known: null, begin);

    private async Task OpenAsync(HttpContext context, StreamRequest? known, Func<Task<StreamRequest>>? begin)
    {
        // 1. Take a seat.
        var key = access.ClientOf(context);
        if (await seats.TakeAsync(context, key) is not { } seat)
            return; // refused, with an answer

        var handedOver = false;
        try
        {
            // 2. Wait until the feed has started.
            await feed.UntilStartedAsync(context.RequestAborted);

            // 3. Read the request, and decide where its stream starts. A stream that begins at the log's head begins
            // there whatever the store answers, so its request does not wait for the answer.
            var request = known ?? await begin!();
            var starting = start.OfAsync(
                request,
                request.BeginsAtHead ? CancellationToken.None : context.RequestAborted
            );
            if (!request.BeginsAtHead && await starting is null)
            {
                await context.AskToReconnectAsync("The store does not answer. Reconnect.");
                return;
            }

            var client = RequestClient.Of(context, key.Person);
            var opening = new StreamOpening(request, client, CallerGrant.Of(context, access.CallerOf(context)));

            // 4. Set the headers.
            StreamResponseHeaders.Set(context);

            // 5. Hand the socket over where that is possible, because a request that stays open costs some kilobytes.
            // The loop then sends the headers too, with the greeting.
            if (context.Features.Get<IConnectionTakeover>() is { } takeover && takeover.TryArm(context))
            {
                client.StandForRequest(context);
                await context.Response.StartAsync();
                takeover.Complete(over => runner.RunTakenAsync(over, opening, starting, seat));
                handedOver = true;
                return;
            }

            // Otherwise send the headers, and hold the request while the stream is open.
            await context.Response.StartAsync();
            await runner.RunHeldAsync(context, opening, (await starting)!.Value);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested) { }
        finally
        {
            if (!handedOver)
                seat.Dispose();
        }
    }
}
