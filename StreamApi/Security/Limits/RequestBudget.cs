using EventStore;
using Streaming.Endpoints;
using Streaming.Requests;

namespace StreamApi.Security.Limits;

/// <summary>Charges requests to the publish and memory budgets of their client.</summary>
internal sealed class RequestBudget(PublishBudget publishes, MemoryBudget memory, BodyTurns bodies, TimeProvider clock)
    : IRequestBudget
{
    /// <summary>Bodies up to this size are refused at once.</summary>
    private const int SmallBytes = 64 * 1024;

    public IMemoryHold Hold(HttpContext context) => MemoryHold.Of(context);

    public IDisposable Keep(string client, long bytes) => memory.Keep(client, bytes);

    public async ValueTask AdmitAsync(HttpContext context, long bytes)
    {
        // A feature's own requests are limited to a few per minute. Of the others a client may send a hundred large
        // bodies per second, and a stream's body is read before its request is counted.
        if (RequestLimits.KindOf(context) is not FeatureRequests || StreamBodies.AcceptsBody(context))
        {
            var kilobytes = bytes / 1_024;
            await SpendAsync(context, kilobytes);
            context.Features.Set(new AdmittedBody(kilobytes));
        }
        CheckCredential(context);
    }

    public ValueTask<IDisposable?> EnterParsingAsync(HttpContext context, long bytes) =>
        bodies.EnterAsync(RequestLimits.KeyOf(context), bytes, context.RequestAborted);

    public async ValueTask DelayRefusalAsync(HttpContext context)
    {
        if (context.Request.ContentLength is not <= SmallBytes)
            await Refusals.DelayAsync(context, Refusals.RandomDelay);
    }

    public async ValueTask PublishAsync(HttpContext context, IReadOnlyList<NewEvent> events)
    {
        await SpendAsync(
            context,
            PublishBudget.CostOf(events) - (context.Features.Get<AdmittedBody>()?.Kilobytes ?? 0)
        );
        CheckCredential(context);
    }

    private async ValueTask SpendAsync(HttpContext context, long kilobytes)
    {
        if (await publishes.SpendAsync(RequestLimits.KeyOf(context), kilobytes, context.RequestAborted) > 0)
            throw new TooManyBytesException(context);
    }

    /// <summary>A body may take minutes to arrive, and then wait for the budget.</summary>
    private void CheckCredential(HttpContext context)
    {
        if (Caller.Of(context).Until <= clock.GetUtcNow())
            throw new InvalidRequestException(
                "credential",
                "it expired before the request was complete. Send the request again with a new one.",
                StatusCodes.Status401Unauthorized
            );
    }

    private sealed record AdmittedBody(long Kilobytes);

    private sealed class TooManyBytesException(HttpContext context)
        : InvalidRequestException("body", Reason, StatusCodes.Status429TooManyRequests)
    {
        private const string Reason =
            "more than ten seconds' worth of your bytes already wait (Limits:PublishKilobytesPerSecond).";

        public override IResult ToResult()
        {
            context.Response.Headers.RetryAfter = "5";
            return TypedResults.Problem(
                statusCode: Status,
                title: "Publish budget exceeded",
                detail: $"body: {Reason} Retry after the time in Retry-After."
            );
        }
    }
}
