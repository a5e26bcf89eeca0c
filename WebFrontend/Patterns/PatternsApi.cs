using System.Collections.Concurrent;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using WebFrontend.SignIn;
using WebFrontend.Status;

namespace WebFrontend.Patterns;

/// <summary>
/// <c>GET /patterns/reader?perSecond=</c>: reads a backpressured answer on the page's behalf and tells it each chunk;
/// <c>PUT
/// /patterns/reader/{id}?perSecond=</c> changes the speed in the middle.
/// </summary>
internal static class PatternsApi
{
    private const int Fastest = 1_000;

    public static void MapPatterns(this IEndpointRouteBuilder app)
    {
        var open = new ConcurrentDictionary<string, SlowReading>(StringComparer.Ordinal);
        app.MapGet(
                "/patterns/reader",
                async Task<Results<ServerSentEventsResult<object>, ProblemHttpResult>> (
                    int perSecond,
                    StatusCache status,
                    SignedIn signedIn,
                    TimeProvider clock,
                    HttpContext context
                ) =>
                {
                    if (perSecond is < 1 or > Fastest)
                        return Wrong();
                    // A replica's own address: what stands between would take in some hundred kilobytes too.
                    if (
                        (await status.GetAsync(context.RequestAborted)).Replicas.FirstOrDefault(r => !r.Lost)
                        is not { } replica
                    )
                        return Away();
                    var (reading, visit) = (
                        new SlowReading(Guid.NewGuid().ToString("N"), new Uri(replica.Url), clock)
                        {
                            PerSecond = perSecond,
                        },
                        signedIn.VisitOf(context)
                    );
                    HttpResponseMessage answer;
                    try
                    {
                        answer = await reading.AskAsync(visit?.Credential, context.RequestAborted);
                    }
                    catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
                    {
                        return Away();
                    } // or the page has been left
                    if (!answer.IsSuccessStatusCode)
                        return await RefusedAsync(answer, context.RequestAborted);
                    context.Response.Headers.CacheControl = "no-cache";
                    return TypedResults.ServerSentEvents(
                        TellAsync(reading, answer, visit, signedIn, open, context.RequestAborted)
                    );
                }
            )
            .DisableHttpMetrics();

        app.MapPut(
            "/patterns/reader/{id}",
            Results<NoContent, NotFound, ProblemHttpResult> (string id, int perSecond) =>
            {
                if (perSecond is < 1 or > Fastest)
                    return Wrong();
                if (!open.TryGetValue(id, out var reading))
                    return TypedResults.NotFound();
                reading.PerSecond = perSecond;
                return TypedResults.NoContent();
            }
        );
    }

    private static async IAsyncEnumerable<SseItem<object>> TellAsync(
        SlowReading reading,
        HttpResponseMessage answer,
        Visit? visit,
        SignedIn signedIn,
        ConcurrentDictionary<string, SlowReading> open,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var signedOut = visit is null ? null : signedIn.EndWith(visit, ends);
        using var asked = answer;
        open[reading.Id] = reading;
        await using var chunks = reading.ReadAsync(answer, ends.Token).GetAsyncEnumerator(ends.Token);
        try
        {
            while (await NextAsync() is { } next)
                yield return next;
        }
        finally
        {
            open.TryRemove(reading.Id, out _);
        }

        // A StreamApi that goes away in the middle ends the reading; so does a page that is left, or a visitor who
        // signs out.
        async Task<SseItem<object>?> NextAsync()
        {
            try
            {
                return await chunks.MoveNextAsync() ? chunks.Current : null;
            }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
            {
                return null;
            }
        }
    }

    /// <summary>In StreamApi's words.</summary>
    private static async Task<ProblemHttpResult> RefusedAsync(
        HttpResponseMessage answer,
        CancellationToken cancellationToken
    )
    {
        using (answer)
        {
            var said =
                answer.Content.Headers.ContentType?.MediaType == "application/problem+json"
                    ? await answer.Content.ReadFromJsonAsync<ProblemDetails>(cancellationToken)
                    : null;
            return TypedResults.Problem(
                said?.Detail ?? "StreamApi refused.",
                statusCode: (int)answer.StatusCode,
                title: said?.Title
            );
        }
    }

    private static ProblemHttpResult Wrong() =>
        TypedResults.Problem(
            $"perSecond: must be a whole number from 1 to {Fastest}.",
            statusCode: StatusCodes.Status400BadRequest,
            title: "Invalid request"
        );

    private static ProblemHttpResult Away() =>
        TypedResults.Problem("No StreamApi replica answers.", statusCode: StatusCodes.Status503ServiceUnavailable);
}
