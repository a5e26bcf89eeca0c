using Microsoft.AspNetCore.Http.HttpResults;

namespace StreamApi.Seeds.Petstore;

/// <summary>
/// <c>GET /v1/pets/recommendations/stream?userId=…</c>: starts a run. A client that returns with an id of the run
/// continues it, so nothing is scored twice.
/// </summary>
internal static class RecommendationsApi
{
    public static void MapRecommendations(this RouteGroupBuilder shop) =>
        shop.MapStream("/pets/recommendations/stream", Stream)
            .Publishes("recommendations.*")
            .SwitchesNames()
            .Query("userId", "User whose orders determine the scores.", required: true, isText: true)
            .Sends(
                "Streams each recommendation as soon as it is scored.",
                (Recommender.Recommended, typeof(Recommendation)),
                (Recommender.Complete, typeof(RecommendationsDone)),
                ("error", typeof(StreamError))
            );

    private static EventStreamResult Stream(HttpContext context, Recommender recommender)
    {
        // A request that resumes a run needs only its id.
        var userId = context.Request.GetLastEventId() is null
            ? Customer.Checked(context.Request.Query.RequiredText("userId", 128), context)
            : "";
        return TypedResults.StartedRunStream(
            Recommender.Kind,
            (run, stop) => recommender.ScoreAsync(run, userId, stop),
            ArticleStream.FormatOf(context.Request, EventFormat.Named),
            Recommender.Complete
        );
    }

    /// <summary>Data of the event that ends a run that failed.</summary>
    private sealed record StreamError(string Error, bool Fatal, string Reason);
}
