using StreamApi.Seeds.Basics;
using StreamApi.Seeds.Petstore;
using StreamApi.Seeds.Resilient;
using StreamApi.Seeds.Storage;
using StreamApi.Seeds.Tasks;
using StreamApi.Seeds.Traffic;

namespace StreamApi.Seeds;

/// <summary>Adds the systems of the articles, and demo traffic for them.</summary>
internal static class SeedsExtensions
{
    public static void AddSeeds(this WebApplicationBuilder builder)
    {
        builder.AddSeedsStore();
        builder.AddBasics();
        builder.AddPetstore();
        builder.AddTasks();
        builder.AddResilient();
        builder.AddTraffic();
        builder.Services.AddHostedService<EndedRows>();
    }

    public static void MapSeeds(this IEndpointRouteBuilder app)
    {
        var seeds = app.MapGroup("");
        ((IEndpointConventionBuilder)seeds).Add(endpoint =>
        {
            if (endpoint.RequestDelegate is { } next)
                endpoint.RequestDelegate = context => AnswerBusyAsync(context, next);
        });

        seeds.MapBasics();
        seeds.MapPetstore();
        seeds.MapTasks();
        seeds.MapResilient();
    }

    private static async Task AnswerBusyAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            await next(context);
        }
        catch (BusyException busy) when (!context.Response.HasStarted)
        {
            context.Response.Headers.RetryAfter = "2";
            await TypedResults
                .Problem(
                    statusCode: StatusCodes.Status503ServiceUnavailable,
                    title: "Server busy",
                    detail: busy.Message
                )
                .ExecuteAsync(context);
        }
    }
}
