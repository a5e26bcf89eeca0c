using Adopter.Middleware;
using Npgsql;

namespace Adopter.Databases;

/// <summary>Types of Postgres that an application reads as its own, in the log's sessions too.</summary>
public sealed class TypeMappingTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_connection_of_a_ticket_is_recorded_if_times_are_those_of_NodaTime()
    {
        var database = await DatabaseQuestions.CreateDatabaseAsync();
        var builder = LogApp.Builder(database);
        builder.AddEventStore("log", log => log.UseNodaTime());
        builder.AddSse();
        builder.Services.AddAuthentication("cookie").AddCookie("cookie");
        builder.Services.AddAuthorization();
        await using var app = await LogApp.StartAsync(
            builder,
            app =>
            {
                app.MapPost("/sign-in", () => TypedResults.SignIn(Users.Named("ann")));
                app.MapSseTickets();
                app.MapGet("/orders", () => TypedResults.EventStream("orders.7")).RequireAuthorization();
            }
        );
        using var client = new HttpClient { BaseAddress = app.Server };
        using var signedIn = await client.PostAsync("/sign-in", content: null, Stop);
        using var issued = await client.PostAsJsonAsync("/stream-tickets", new { topics = new[] { "orders.>" } }, Stop);
        var ticket = (await issued.Content.ReadFromJsonAsync<Dictionary<string, string>>(Stop))!["ticket"];

        await using var stream = await SseReader.OpenAtAsync(app.Server, $"/orders?ticket={ticket}");
        await Eventually.HoldsAsync(
            async () =>
                await DatabaseQuestions.AskAsync(database, "select count(*) from eventstore.ticket_holders") == "1",
            "other processes see the connection",
            within: TimeSpan.FromMinutes(1)
        );
    }
}
