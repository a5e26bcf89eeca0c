using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using WebFrontend.Languages;
using WebFrontend.SignIn;
using WebFrontend.Status;

namespace WebFrontend.Patterns;

/// <summary>
/// <c>GET /patterns/reader?perSecond=</c> reads <c>/sse/backpressure-chat</c> at that speed and streams each chunk to
/// the page. <c>PUT /patterns/reader/{id}?perSecond=</c> changes the speed.
/// </summary>
internal static class PatternsApi
{
    private const int MaxPerSecond = 1_000;

    public static void AddPatterns(this WebApplicationBuilder builder) =>
        builder.Services.AddSingleton<PacedReaderRegistry>();

    public static void MapPatterns(this IEndpointRouteBuilder app)
    {
        app.MapGet("/patterns/reader", ReadAsync).DisableHttpMetrics();
        app.MapPut("/patterns/reader/{id}", SetSpeed);
    }

    private static async Task<Results<ServerSentEventsResult<object>, ValidationProblem, ProblemHttpResult>> ReadAsync(
        int perSecond,
        StatusCache status,
        PacedReaderRegistry readers,
        TimeProvider clock,
        IHostApplicationLifetime lifetime,
        HttpContext context
    )
    {
        // A reader makes the model work.
        if (SignInPolicy.IsFromOtherSite(context))
            return Refused(context);
        if (perSecond is < 1 or > MaxPerSecond)
            return InvalidSpeed();

        // RequestAborted does not fire at shutdown; an open stream would delay it.
        var cancellation = CancellationTokenSource.CreateLinkedTokenSource(
            context.RequestAborted,
            lifetime.ApplicationStopping
        );
        context.Response.RegisterForDispose(cancellation);

        // A replica's own address: a proxy in between would buffer hundreds of kilobytes.
        var report = await status.GetAsync(context.RequestAborted);
        if (report.Replicas.FirstOrDefault(r => !r.Lost) is not { } replica)
            return Unreachable(context);

        var reader = new PacedReader(Guid.NewGuid().ToString("N"), new Uri(replica.Url), clock)
        {
            PerSecond = perSecond,
        };
        var credential = await SignInSessions.CredentialAsync(context);

        HttpResponseMessage response;
        try
        {
            response = await reader.ConnectAsync(credential, cancellation.Token);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return Unreachable(context);
        }

        if (!response.IsSuccessStatusCode)
            return await RefusedAsync(response, context);

        context.Response.Headers.CacheControl = "no-cache";
        return TypedResults.ServerSentEvents(readers.StreamAsync(reader, response, context, cancellation.Token));
    }

    private static Results<NoContent, NotFound, ValidationProblem> SetSpeed(
        string id,
        int perSecond,
        PacedReaderRegistry readers
    )
    {
        if (perSecond is < 1 or > MaxPerSecond)
            return InvalidSpeed();
        if (readers.Find(id) is not { } reader)
            return TypedResults.NotFound();
        reader.PerSecond = perSecond;
        return TypedResults.NoContent();
    }

    /// <summary>Passes StreamApi's problem on.</summary>
    private static async Task<ProblemHttpResult> RefusedAsync(HttpResponseMessage response, HttpContext context)
    {
        using (response)
        {
            context.Response.Headers.RetryAfter = response.Headers.RetryAfter?.ToString();
            var problem =
                response.Content.Headers.ContentType?.MediaType == "application/problem+json"
                    ? await response.Content.ReadFromJsonAsync<ProblemDetails>(context.RequestAborted)
                    : null;

            return TypedResults.Problem(
                problem?.Detail ?? Language.Of(context)["problem.refused"],
                statusCode: (int)response.StatusCode,
                title: problem?.Title
            );
        }
    }

    private static ValidationProblem InvalidSpeed()
    {
        var problem = $"must be a whole number from 1 to {MaxPerSecond}.";
        return TypedResults.ValidationProblem(
            new Dictionary<string, string[]> { ["perSecond"] = [problem] },
            detail: $"perSecond: {problem}",
            title: "Invalid request"
        );
    }

    private static ProblemHttpResult Refused(HttpContext context) =>
        TypedResults.Problem(Language.Of(context)["problem.otherSite"], statusCode: StatusCodes.Status403Forbidden);

    private static ProblemHttpResult Unreachable(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "2";
        return TypedResults.Problem(
            Language.Of(context)["problem.noReplica"],
            statusCode: StatusCodes.Status503ServiceUnavailable
        );
    }
}
