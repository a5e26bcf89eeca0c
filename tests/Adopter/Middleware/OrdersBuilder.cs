namespace Adopter.Middleware;

internal static class OrdersBuilder
{
    /// <summary>Creates the builder of an application in Production, with a log of its own in Postgres.</summary>
    /// <param name="level">Level of the lines that it logs.</param>
    /// <param name="settings">Further command line arguments.</param>
    public static async Task<WebApplicationBuilder> CreateAsync(LogLevel level, params string[] settings)
    {
        var database = await Stores.Shared.CreateMigratedAsync(TestContext.Current.CancellationToken);
        var builder = WebApplication.CreateBuilder([
            "--environment=Production",
            "--urls=http://127.0.0.1:0",
            $"--ConnectionStrings:orders={database.ConnectionString}",
            $"--Logging:LogLevel:Default={level}",
            .. settings,
        ]);
        builder.AddEventStore("orders");
        return builder;
    }
}
