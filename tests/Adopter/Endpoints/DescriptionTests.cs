using Adopter.Databases;
using AspireSse.Server;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc.ApiExplorer;

namespace Adopter.Endpoints;

/// <summary>The endpoints as ASP.NET's API explorer, and so each generator of OpenAPI documents, sees them.</summary>
public sealed class DescriptionTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>OpenAPI has had it since 3.2, and a generator of an older version refuses the whole document.</summary>
    [Fact]
    public async Task The_libraries_endpoints_are_not_described_with_QUERY()
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        var builder = LogApp.Builder(database.ConnectionString);
        builder.AddEventStore("log").AddSse().AddLlmGateway();
        builder.Services.AddEndpointsApiExplorer();
        await using var app = await LogApp.StartAsync(
            builder,
            app =>
            {
                app.MapStream("/orders", EventStreamResult () => TypedResults.EventStream("orders")).AllowAnonymous();
                app.MapMethods("/own", ["QUERY"], () => "found").AllowAnonymous();
                app.MapLlmGateway().AllowAnonymous();
            }
        );

        var described = app
            .Services.GetRequiredService<IApiDescriptionGroupCollectionProvider>()
            .ApiDescriptionGroups.Items.SelectMany(group => group.Items)
            .ToArray();

        Assert.Contains(described, endpoint => endpoint is { RelativePath: "orders", HttpMethod: "POST" });
        Assert.Equal(["own"], described.Where(e => e.HttpMethod == "QUERY").Select(e => e.RelativePath));
    }
}
