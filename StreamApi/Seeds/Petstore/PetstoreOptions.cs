using System.ComponentModel.DataAnnotations;

namespace StreamApi.Seeds.Petstore;

/// <summary>Times of the shop; section <c>Petstore</c>.</summary>
internal sealed class PetstoreOptions
{
    /// <summary>How long the payment of an order is processed, in milliseconds.</summary>
    [Range(0, 86_400_000)]
    public int PaymentMilliseconds { get; set; } = 2_000;

    /// <summary>From the confirmed payment to the preparation, in milliseconds.</summary>
    [Range(0, 86_400_000)]
    public int ConfirmationMilliseconds { get; set; } = 3_000;

    /// <summary>How long a shipment is prepared, in milliseconds.</summary>
    [Range(0, 86_400_000)]
    public int PreparationMilliseconds { get; set; } = 3_000;

    /// <summary>How often a replica looks at least for orders that another has left, in milliseconds; its own steps it
    /// takes when they are due.</summary>
    [Range(10, 60_000)]
    public int PollMilliseconds { get; set; } = 1_000;

    /// <summary>Pets that one recommendation run scores at most.</summary>
    [Range(1, 100)]
    public int Recommendations { get; set; } = 8;

    /// <summary>What the scoring of one pet takes on top of its queries, in milliseconds: a model would take
    /// longer.</summary>
    [Range(0, 60_000)]
    public int ScoringMilliseconds { get; set; } = 100;
}
