namespace StreamApi.Seeds.Petstore;

/// <summary>An order and the state of its workflow.</summary>
internal sealed class Order
{
    public required Guid Id { get; init; }
    public required string PetId { get; init; }
    public string? UserId { get; init; }
    public required int Quantity { get; init; }
    public required decimal UnitPrice { get; init; }
    public required string Status { get; set; }
    public string? TrackingNumber { get; set; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; set; }

    /// <summary>Time at which the next step is due; null after the last.</summary>
    public DateTimeOffset? NextStepAt { get; set; }

    /// <summary>Trace of the request that placed the order; later steps continue it.</summary>
    public string? TraceParent { get; init; }

    public static string Topic(Guid id) => $"petstore.orders.{id:D}.status";
}

/// <summary>The steps of an order and their events.</summary>
internal static class OrderSteps
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

    /// <summary>Time that an order stays in a status.</summary>
    public static TimeSpan? Duration(string status, PetstoreOptions options) =>
        status switch
        {
            Payment => TimeSpan.FromMilliseconds(options.PaymentMilliseconds),
            Confirmed => TimeSpan.FromMilliseconds(options.ConfirmationMilliseconds),
            Preparing => TimeSpan.FromMilliseconds(options.PreparationMilliseconds),
            _ => null,
        };

    /// <summary>Moves the order to a status and publishes the event, both within the caller's transaction.</summary>
    public static async Task EnterAsync(
        PetstoreContext context,
        Order order,
        string status,
        DateTimeOffset now,
        PetstoreOptions options,
        CancellationToken cancellationToken
    )
    {
        (order.Status, order.UpdatedAt, order.NextStepAt) = (status, now, now + Duration(status, options));
        if (status == Shipped)
            order.TrackingNumber = NewTrackingNumber();
        await context.SaveChangesAsync(cancellationToken);
        if (status == Shipped)
            await context.PublishAsync(
                Order.Topic(order.Id),
                Complete,
                new OrderShipped(status, order.TrackingNumber!),
                order.Id.ToString("D"),
                order.TraceParent,
                cancellationToken
            );
        else
            await context.PublishAsync(
                Order.Topic(order.Id),
                status,
                new OrderStep(status, now.UtcDateTime),
                order.Id.ToString("D"),
                order.TraceParent,
                cancellationToken
            );
    }

    /// <summary>Creates a tracking number: 1Z and sixteen characters.</summary>
    private static string NewTrackingNumber() =>
        "1Z"
        + Random.Shared.GetString("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 6)
        + Random.Shared.GetString("0123456789", 10);
}

internal sealed record OrderStep(string Status, DateTime Timestamp);

internal sealed record OrderShipped(string Status, string TrackingNumber);
