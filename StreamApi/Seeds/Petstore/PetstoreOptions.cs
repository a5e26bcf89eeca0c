using System.ComponentModel.DataAnnotations;

namespace StreamApi.Seeds.Petstore;

/// <summary>Timing of the shop; section <c>Petstore</c>.</summary>
/// <remarks>What is internal is a constant for operators: no key sets it. Tests make it smaller.</remarks>
internal sealed class PetstoreOptions
{
    /// <summary>Milliseconds from one step of an order to the next.</summary>
    [Range(0, 86_400_000)]
    public int StepMilliseconds { get; set; } = 3_000;

    /// <summary>Extra milliseconds per scored pet, which simulate a model.</summary>
    internal int ScoringMilliseconds { get; set; } = 100;

    public TimeSpan Step => TimeSpan.FromMilliseconds((double)StepMilliseconds);
}
