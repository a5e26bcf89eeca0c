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
        var store = Options.Create(new EventStoreOptions());
        var gates = new Gates(store, Options.Create(new SseOptions()), options, clock);
        var anyone = new Anyone();

        return new RequestBudget(gates, new ReadGate(gates, anyone, store), anyone, options, clock);
    }
}
