namespace StreamApi.Seeds.Petstore;

/// <summary>An order and the state of its workflow.</summary>
internal sealed class Order
{
    public required Guid Id { get; init; }
    public required string PetId { get; init; }
    public string? UserId { get; init; }
    public required int Quantity { get; init; }
    public required decimal UnitPrice { get; init; }
    public string Status { get; set; } = OrderStatus.Payment;
    public string? TrackingNumber { get; set; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset UpdatedAt { get; set; }

    /// <summary>Time at which the next step is due, or null after the last.</summary>
    public DateTimeOffset? NextStepAt { get; set; }

    /// <summary>Trace of the request that placed the order; later steps continue it.</summary>
    public string? TraceParent { get; init; }

    public static string Topic(Guid id) => $"petstore.orders.{id}.status";
}
