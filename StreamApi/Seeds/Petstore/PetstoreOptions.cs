using System.ComponentModel.DataAnnotations;

namespace StreamApi.Seeds.Petstore;

/// <summary>Timing of the shop; section <c>Petstore</c>.</summary>
internal sealed class PetstoreOptions
{
    /// <summary>Milliseconds that the payment of an order takes.</summary>
    [Range(0, 86_400_000)]
    public int PaymentMilliseconds { get; set; } = 2_000;

    /// <summary>Milliseconds between payment confirmation and preparation.</summary>
    [Range(0, 86_400_000)]
    public int ConfirmationMilliseconds { get; set; } = 3_000;

    /// <summary>Milliseconds that the preparation of a shipment takes.</summary>
    [Range(0, 86_400_000)]
    public int PreparationMilliseconds { get; set; } = 3_000;

    /// <summary>
    /// Maximum milliseconds between checks for orders of other replicas. A replica takes its own steps on time.
    /// </summary>
    [Range(10, 60_000)]
    public int PollMilliseconds { get; set; } = 1_000;

    /// <summary>Maximum pets that one recommendation run scores.</summary>
    [Range(1, 100)]
    public int Recommendations { get; set; } = 8;

    /// <summary>Extra milliseconds per scored pet, which simulate a model.</summary>
    [Range(0, 60_000)]
    public int ScoringMilliseconds { get; set; } = 100;

    /// <summary>Days after its shipment at which an order is deleted. 0: never.</summary>
    [Range(0, 36_500)]
    public int MaxAgeDays { get; set; } = 90;

    /// <summary>The longest time between two steps of an order.</summary>
    public TimeSpan MaxPause =>
        TimeSpan.FromMilliseconds(
            (double)Math.Max(PaymentMilliseconds, Math.Max(ConfirmationMilliseconds, PreparationMilliseconds))
        );
}
