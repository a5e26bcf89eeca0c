using System.Globalization;
using StreamApi.OpenApi;

namespace StreamApi.Figures;

/// <summary><c>GET /v1/replicas/figures?after=</c>: what the replica that answers did, second by second, in the last
/// ten minutes.</summary>
internal static class FiguresApi
{
    public static void AddFigures(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<FigureRing>();
        builder.Services.AddHostedService(services => services.GetRequiredService<FigureRing>());
    }

    public static void MapFigures(this IEndpointRouteBuilder app) =>
        app.MapGet(
                "/v1/replicas/figures",
                IResult (string? after, FigureRing ring) =>
                {
                    var second = 0L;
                    if (
                        after is { Length: > 0 }
                        && !long.TryParse(after, NumberStyles.None, CultureInfo.InvariantCulture, out second)
                    )
                        return Problems.Field("after", "must be Unix seconds.");
                    return TypedResults.Ok(ring.After(second));
                }
            )
            .Produces<IReadOnlyList<Figure>>()
            .WithTags("Replicas");
}
