using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Integration.Delivery;

/// <summary>Hosts with the event store alone, for tests of its services.</summary>
internal static class StoreOnlyHost
{
    /// <summary>Prepares a host; the test adds what else it needs.</summary>
    /// <param name="connectionString">Of the store's database.</param>
    /// <param name="settings">More settings. A later one replaces an earlier one.</param>
    public static HostApplicationBuilder Of(string connectionString, params (string Name, string Value)[] settings)
    {
        var values = new Dictionary<string, string?> { ["ConnectionStrings:eventstore"] = connectionString };
        foreach (var (name, value) in settings)
            values[name] = value;

        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection(values);
        builder.Services.AddMetrics();
        builder.AddEventStore();
        builder.Services.SetConstants(values);

        return builder;
    }
}
