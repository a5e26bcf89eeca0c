using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Streaming.Admission;
using Streaming.Requests;

namespace Unit.Streaming;

/// <summary>Budgets of bytes for <see cref="Anyone"/>.</summary>
internal static class Budgets
{
    /// <summary>Adds the budget of the settings, whoever the callers are.</summary>
    public static IServiceCollection AddBudget(this IServiceCollection services) =>
        services
            .AddSingleton<Gates>()
            .AddSingleton<ReadGate>()
            .AddSingleton(provider => new RequestBudget(
                provider.GetRequiredService<Gates>(),
                provider.GetRequiredService<ReadGate>(),
                provider.GetRequiredService<IStreamAccess>(),
                provider.GetRequiredService<IOptions<AdmissionOptions>>(),
                provider.GetRequiredService<TimeProvider>()
            ));

    /// <param name="kilobytesPerSecond">The rate of each client, or null if there is none.</param>
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
