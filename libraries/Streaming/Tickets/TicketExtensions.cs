namespace Streaming.Tickets;

internal static class TicketExtensions
{
    public static void AddTickets(this IServiceCollection services)
    {
        services.AddSingleton<SharedSecret>();
        services.AddSingleton<TicketIssuer>();
        services.AddSingleton<OneStreamPerTicket>();
        services.AddHostedService(provider => provider.GetRequiredService<OneStreamPerTicket>());
    }
}
