using System.ComponentModel.DataAnnotations;

namespace StreamApi.Petstore;

/// <summary>Times of the shop; section <c>Petstore</c>.</summary>
internal sealed class PetstoreOptions
{
    /// <summary>How long the payment of an order is processed, in milliseconds.</summary>
    [Range(0, 86_400_000)] public int PaymentMilliseconds { get; set; } = 2_000;

    /// <summary>From the confirmed payment to the preparation, in milliseconds.</summary>
    [Range(0, 86_400_000)] public int ConfirmationMilliseconds { get; set; } = 3_000;

    /// <summary>How long a shipment is prepared, in milliseconds.</summary>
    [Range(0, 86_400_000)] public int PreparationMilliseconds { get; set; } = 3_000;

    /// <summary>How often a replica looks for orders whose next step is due, in milliseconds.</summary>
    [Range(10, 60_000)] public int PollMilliseconds { get; set; } = 200;

    /// <summary>Pets that one recommendation run scores at most.</summary>
    [Range(1, 100)] public int Recommendations { get; set; } = 8;

    /// <summary>What the scoring of one pet takes on top of its queries, in milliseconds: a model would take longer.</summary>
    [Range(0, 60_000)] public int ScoringMilliseconds { get; set; } = 100;
}
