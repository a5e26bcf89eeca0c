using System.Collections.Concurrent;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http.HttpResults;
using WebFrontend.Status;

namespace WebFrontend.Patterns;

/// <summary>
/// <c>GET /patterns/reader?perSecond=</c>: reads a backpressured answer on the page's behalf and tells it each chunk; <c>PUT
/// /patterns/reader/{id}?perSecond=</c> changes the speed in the middle.
/// </summary>
internal static class PatternsApi
{
    private const int Fastest = 1_000;

    public static void MapPatterns(this IEndpointRouteBuilder app)
    {
        var open = new ConcurrentDictionary<string, SlowReading>(StringComparer.Ordinal);
        app.MapGet("/patterns/reader", async Task<Results<ServerSentEventsResult<object>, ProblemHttpResult>> (int perSecond, StatusCache status, TimeProvider clock, HttpContext context) =>
        {
            if (perSecond is < 1 or > Fastest) return Wrong();
            // A replica's own address: what stands between would take in some hundred kilobytes too.
            if ((await status.GetAsync(context.RequestAborted)).Replicas.FirstOrDefault(r => !r.Lost) is not { } replica) return Away();
            var reading = new SlowReading(Guid.NewGuid().ToString("N"), new Uri(replica.Url), clock) { PerSecond = perSecond };
            context.Response.Headers.CacheControl = "no-cache";
            return TypedResults.ServerSentEvents(TellAsync(reading, open, context.RequestAborted));
        }).DisableHttpMetrics();

        app.MapPut("/patterns/reader/{id}", Results<NoContent, NotFound, ProblemHttpResult> (string id, int perSecond) =>
        {
            if (perSecond is < 1 or > Fastest) return Wrong();
            if (!open.TryGetValue(id, out var reading)) return TypedResults.NotFound();
            reading.PerSecond = perSecond;
            return TypedResults.NoContent();
        });
    }

    private static async IAsyncEnumerable<SseItem<object>> TellAsync(SlowReading reading, ConcurrentDictionary<string, SlowReading> open, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        open[reading.Id] = reading;
        await using var chunks = reading.ReadAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        try
        {
            while (await NextAsync() is { } next) yield return next;
        }
        finally { open.TryRemove(reading.Id, out _); }

        // A StreamApi that goes away in the middle ends the reading; so does a page that is left.
        async Task<SseItem<object>?> NextAsync()
        {
            try { return await chunks.MoveNextAsync() ? chunks.Current : null; }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException) { return null; }
        }
    }

    private static ProblemHttpResult Wrong() => TypedResults.Problem($"perSecond: must be a whole number from 1 to {Fastest}.", statusCode: StatusCodes.Status400BadRequest, title: "Invalid request");

    private static ProblemHttpResult Away() => TypedResults.Problem("No StreamApi replica answers.", statusCode: StatusCodes.Status503ServiceUnavailable);
}
