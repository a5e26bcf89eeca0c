namespace StreamApi.Seeds.Petstore;

/// <summary>Timing of the shop: constants, which tests make smaller.</summary>
internal sealed class PetstoreOptions
{
    /// <summary>Milliseconds from one step of an order to the next: long enough to read each.</summary>
    internal int StepMilliseconds { get; set; } = 3_000;

    /// <summary>Extra milliseconds per scored pet, which simulate a model.</summary>
    internal int ScoringMilliseconds { get; set; } = 100;

    public TimeSpan Step => TimeSpan.FromMilliseconds((double)StepMilliseconds);
}
