using System.Globalization;

namespace StreamApi.Stats;

/// <summary>
/// <c>GET /v1/replicas/stats?after=</c>: stats of the answering replica, second by second, for the last ten minutes.
/// </summary>
internal static class StatsApi
{
    public static void AddStats(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<StatsRing>();
        builder.Services.AddHostedService(services => services.GetRequiredService<StatsRing>());
    }

    public static void MapStats(this IEndpointRouteBuilder app) =>
        app.MapGet(
                "/v1/replicas/stats",
                IResult (HttpContext context, StatsRing ring) =>
                {
                    var after = context.Request.Query["after"].ToString();
                    var second = 0L;
                    if (
                        after.Length > 0
                        && !long.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out second)
                    )
                        return InvalidRequestException.ProblemOf("after", "must be a time in Unix seconds.");
                    return TypedResults.HeldJson(context, ring.After(second));
                }
            )
            .Produces<IReadOnlyList<SecondStats>>()
            .Query("after", "A time in Unix seconds: only seconds after it.")
            .WithTags("Replicas");
}
