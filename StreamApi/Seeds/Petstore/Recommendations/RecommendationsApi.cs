using LlmGateway.Generations;
using Runs;
using Streaming.Access;
using Streaming.Endpoints;
using Streaming.Frames;
using Streaming.Opening;
using Streaming.Requests;

namespace StreamApi.Seeds.Petstore;

/// <summary>
/// <c>GET /v1/pets/recommendations/stream?userId=…</c>: starts a run. A client that returns with an id of the run
/// continues it, so nothing is scored twice.
/// </summary>
internal static class RecommendationsApi
{
    private static readonly string[] Ends = [Recommender.Complete, "error"];
    private static readonly NamedFormatChoice Formats = NamedFormatChoice.Of(_ => true, Ends, sendsPositions: false);

    public static void MapRecommendations(this RouteGroupBuilder shop) =>
        shop.MapStream("/pets/recommendations/stream", StreamAsync)
            .Publishes("recommendations.*")
            .SwitchesNames()
            .Query("userId", "User whose orders determine the scores.", required: true, isText: true)
            .Sends(
                "Streams each recommendation as soon as it is scored.",
                (Recommender.Recommended, typeof(Recommendation)),
                (Recommender.Complete, typeof(RecommendationsDone)),
                ("error", typeof(StreamError))
            );

    private static Task StreamAsync(
        HttpContext context,
        RunStreams streams,
        Recommender recommender,
        IStreamAccess access
    )
    {
        var query = context.Request.Query;
        return streams.OpenAsync(
            context,
            Recommender.Kind,
            Formats.For(query.Flag("named")),
            Ends,
            // A request that resumes a run needs only its id.
            () =>
                recommender.StartAsync(
                    Customer.Checked(query.RequiredText("userId", 128), context, access),
                    access.OwnerOf(context),
                    access.ClientOf(context),
                    context.RequestAborted
                )
        );
    }
}
