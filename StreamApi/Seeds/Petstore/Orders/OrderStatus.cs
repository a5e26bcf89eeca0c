using Microsoft.EntityFrameworkCore;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Petstore;

/// <summary>The steps of an order and their events.</summary>
internal static class OrderStatus
{
    public const string Payment = "payment_processing",
        Confirmed = "payment_confirmed",
        Preparing = "preparing_shipment",
        Shipped = "shipped";

    /// <summary>Number of an order's events.</summary>
    public const int Count = 4;

    /// <summary>Event type of the last step, which ends the stream.</summary>
    public const string Complete = "complete";

    public static string? After(string status) =>
        status switch
        {
            Payment => Confirmed,
            Confirmed => Preparing,
            Preparing => Shipped,
            _ => null,
        };

    /// <summary>Moves the order to a status and publishes the event, both within the caller's transaction.</summary>
    /// <param name="step">Time until the next step.</param>
    public static void Enter(SeedsContext db, Order order, string status, DateTimeOffset now, TimeSpan step)
    {
        order.Status = status;
        order.UpdatedAt = now;
        order.NextStepAt = status == Shipped ? null : now + step;

        if (status != Shipped)
        {
            db.Publish(Order.Topic(order.Id), status, new OrderStep(status, now.UtcDateTime), $"{order.Id}");
            return;
        }

        order.TrackingNumber = NewTrackingNumber();
        db.Publish(Order.Topic(order.Id), Complete, new OrderShipped(status, order.TrackingNumber), $"{order.Id}");
    }

    /// <summary>Creates a tracking number: 1Z and sixteen characters.</summary>
    private static string NewTrackingNumber() =>
        "1Z"
        + Random.Shared.GetString("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 6)
        + Random.Shared.GetString("0123456789", 10);
}

internal sealed record OrderStep(string Status, DateTime Timestamp);

internal sealed record OrderShipped(string Status, string TrackingNumber);
