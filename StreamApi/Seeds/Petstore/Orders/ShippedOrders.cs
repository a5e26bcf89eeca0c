using System.Globalization;
using System.Text.Json;
using EventStore;
using Streaming.Frames;
using Streaming.Opening;

namespace StreamApi.Seeds.Petstore;

/// <summary>
/// Ends the streams of shipped orders whose events retention has dropped: orders are kept longer than their events.
/// </summary>
internal sealed class ShippedOrders(
    TopicReader topics,
    LineageReader lineages,
    [FromKeyedServices(StorePool.Reads)] EventReader reader,
    PushOpener streams
)
{
    /// <summary>Finds out how much of a shipped order the log still has. An event in the outbox is not lost.</summary>
    public async Task<KeptSteps> KeptAsync(Order order, CancellationToken cancellationToken)
    {
        var topic = Order.Topic(order.Id);
        if (await FromLogAsync() is { } kept)
            return kept;
        if (await topics.IsInOutboxAsync(topic, cancellationToken))
            return KeptSteps.All;
        // The last step may have entered the log between the two reads.
        return await FromLogAsync() ?? KeptSteps.None;

        async Task<KeptSteps?> FromLogAsync()
        {
            var log = await topics.ReadAsync(topic, OrderSteps.Count, [OrderSteps.Complete], cancellationToken);
            return log.End is not { } end ? null
                : log.AtOrdinal == end ? KeptSteps.All
                : KeptSteps.Last;
        }
    }

    /// <summary>
    /// Answers with the order's end, as its row has it. The frame has the id of the log's head: it is later than all
    /// that retention has dropped, so that a client that returns with it gets 204.
    /// </summary>
    public async Task EndAsync(HttpContext context, Order order, FrameFormat format)
    {
        var last = LastEventId.Of(context.Request);
        var log = await reader.HeadAsync(context.RequestAborted);
        var at = new StreamId(log.Epoch, log.Head);
        var known = last.Id is { } id ? await lineages.TranslateAsync(id, log.Epoch, context.RequestAborted) : null;
        var isOrdinal = long.TryParse(last.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal);
        if (known?.Position >= log.DroppedThrough || ordinal >= OrderSteps.Count)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        var reason =
            isOrdinal || known is not null ? ResyncReason.Expired
            : last.Id is null ? ResyncReason.Malformed
            : ResyncReason.Epoch;
        var end = new EventRecord(
            at.Position,
            order.Id,
            Order.Topic(order.Id),
            OrderSteps.Complete,
            order.Id.ToString("D"),
            JsonSerializer.SerializeToUtf8Bytes(
                new OrderShipped(order.Status, order.TrackingNumber!),
                ControlFrames.Json
            ),
            order.UpdatedAt,
            order.TraceParent
        );
        await streams.OpenAsync(
            context,
            [end.Topic],
            (push, _) =>
                push.WriteAsync(
                    (byte[])
                        [
                            .. ControlFrames.IdOnly(at),
                            .. last.Text is null ? [] : ControlFrames.Resync(reason, last.Text, at),
                            .. format.Frame(at.Epoch, end),
                        ]
                )
        );
    }
}

/// <summary>The events of a shipped order that retention has left.</summary>
internal enum KeptSteps
{
    All,

    /// <summary>The last, without some of the first.</summary>
    Last,

    None,
}
