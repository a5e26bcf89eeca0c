using LlmGateway.Generations;
using Runs;
using Streaming.Access;
using Streaming.Endpoints;
using Streaming.Frames;
using Streaming.Requests;

namespace StreamApi.Seeds.Petstore;

/// <summary><c>GET /v1/pets/recommendations/stream?userId=…</c>: the request starts a run; who returns with an id of it
/// reads on, and nothing is scored twice.</summary>
internal static class RecommendationsEndpoint
{
    private static readonly string[] Ends = [Recommender.Complete, "error"];
    private static readonly NamedFormats Formats = NamedFormats.Of(_ => true, Ends, sendsPositions: false);

    public static void MapRecommendations(this RouteGroupBuilder shop) =>
        shop.MapStream("/pets/recommendations/stream", StreamAsync)
            .Publishes("recommendations.*")
            .Query("userId", "Whose orders the scores are made from.", required: true)
            .Sends(
                "Recommendations, each as it is scored.",
                (Recommender.Recommended, typeof(Recommendation)),
                (Recommender.Complete, typeof(RecommendationsDone)),
                ("error", typeof(StreamError))
            );

    private static Task StreamAsync(HttpContext context, RunStreams streams, Recommender recommender)
    {
        var query = context.Request.Query;
        var userId = query.RequiredText("userId", 128);
        return streams.OpenAsync(
            context,
            Recommender.Kind,
            Formats.For(query.Flag("named")),
            Ends,
            () => recommender.BeginAsync(userId, context.User.Identity?.Name, context.RequestAborted)
        );
    }
}
