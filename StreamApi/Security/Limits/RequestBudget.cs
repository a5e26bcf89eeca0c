using EventStore;
using Streaming.Requests;

namespace StreamApi.Security.Limits;

/// <summary>Charges requests to the publish and memory budgets of their client.</summary>
internal sealed class RequestBudget(PublishBudget publishes, MemoryBudget memory) : IRequestBudget
{
    public IMemoryHold Hold(HttpContext context) => MemoryHold.Of(context);

    public IDisposable Keep(string client, long bytes) => memory.Keep(client, bytes);

    public async ValueTask PublishAsync(HttpContext context, IReadOnlyList<NewEvent> events)
    {
        if (!await publishes.SpendAsync(RequestLimits.KeyOf(context), events, context.RequestAborted))
            throw new TooManyBytesException(context);
    }

    private sealed class TooManyBytesException(HttpContext context)
        : InvalidRequestException("body", "has too many bytes.", StatusCodes.Status429TooManyRequests)
    {
        public override IResult ToResult()
        {
            context.Response.Headers.RetryAfter = "5";
            return TypedResults.Problem(
                statusCode: Status,
                title: "Publish budget exceeded",
                detail: "More than ten seconds' worth of your events already wait "
                    + "(Limits:PublishKilobytesPerSecond). Retry after the time in Retry-After."
            );
        }
    }
}
