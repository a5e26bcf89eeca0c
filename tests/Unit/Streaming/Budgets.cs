using EventStore;
using Microsoft.Extensions.Options;
using Streaming;
using Streaming.Admission;
using Streaming.Requests;

namespace Unit.Streaming;

/// <summary>Budgets of bytes for <see cref="Anyone"/>.</summary>
internal static class Budgets
{
    /// <param name="kilobytesPerSecond">The rate of each client; null: none.</param>
    /// <param name="clock">The clock.</param>
    public static RequestBudget Of(int? kilobytesPerSecond, TimeProvider clock)
    {
        var options = Options.Create(new AdmissionOptions { KilobytesPerSecond = kilobytesPerSecond });
        var gates = new Gates(
            Options.Create(new EventStoreOptions()),
            Options.Create(new SseOptions()),
            options,
            clock
        );

        return new RequestBudget(gates, new Anyone(), options, clock);
    }
}
