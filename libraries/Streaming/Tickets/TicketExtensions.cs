using EventStore;
using Npgsql;
using Streaming.Access;

namespace Streaming.Tickets;

internal static class TicketExtensions
{
    public static void AddTickets(this IServiceCollection services)
    {
        services.AddSingleton(provider => new SharedSecret(
            provider.GetRequiredKeyedService<NpgsqlDataSource>(StorePool.Work),
            provider.GetRequiredService<TimeProvider>()
        ));
        services.AddSingleton(provider => new TicketReader(
            provider.GetRequiredService<SharedSecret>(),
            provider.GetRequiredService<TimeProvider>()
        ));
        services.AddSingleton<OneStreamPerTicket>();
        services.AddHostedService(provider => provider.GetRequiredService<OneStreamPerTicket>());
    }
}
