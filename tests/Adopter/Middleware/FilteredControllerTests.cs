using System.Net;
using Adopter.Showing;
using Microsoft.AspNetCore.Mvc.Authorization;

namespace Adopter.Middleware;

/// <summary>Streams of controllers that a filter of the application guards, not an attribute.</summary>
public sealed class FilteredControllerTests
{
    private const string Stream = "/filtered/typed";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("cookie")]
    [InlineData("oauth")]
    public async Task A_stranger_gets_401_and_a_user_or_a_ticket_the_stream(string challenge)
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        await using var app = await SmallApp.StartAsync(
            app =>
            {
                app.MapPost("/sign-in", () => TypedResults.SignIn(Users.Named("ann"), authenticationScheme: "cookie"));
                app.MapSseTickets();
                app.MapControllers();
            },
            builder => Add(builder.Services, challenge),
            database.ConnectionString
        );
        using var client = NewClient(app);
        using (var stranger = await client.GetAsync(Stream, Stop))
            Assert.Equal(HttpStatusCode.Unauthorized, stranger.StatusCode);

        using var signedIn = await client.PostAsync("/sign-in", content: null, Stop);
        using var user = await client.GetAsync(Stream, HttpCompletionOption.ResponseHeadersRead, Stop);
        Assert.Equal(HttpStatusCode.OK, user.StatusCode);

        using var issued = await client.PostAsJsonAsync("/stream-tickets", new { topics = new[] { "orders.>" } }, Stop);
        var ticket = (await issued.Content.ReadFromJsonAsync<Dictionary<string, string>>(Stop))!["ticket"];
        using var nobody = NewClient(app);
        using var holder = await nobody.GetAsync(
            $"{Stream}?ticket={ticket}",
            HttpCompletionOption.ResponseHeadersRead,
            Stop
        );
        Assert.Equal(HttpStatusCode.OK, holder.StatusCode);
    }

    private static void Add(IServiceCollection services, string challenge)
    {
        services.AddAuthorization();
        ChallengeTests.AddOAuth(services, challenge);
        services
            .AddControllers(controllers => controllers.Filters.Add(new AuthorizeFilter()))
            .AddApplicationPart(typeof(FilteredControllerTests).Assembly);
    }

    private static HttpClient NewClient(SmallApp app) =>
        new(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = app.Server };
}
