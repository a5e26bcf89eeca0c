using EventStore;
using Streaming.Requests;

namespace StreamApi.Security.Limits;

/// <summary>The budgets of one client, as its requests spend them.</summary>
internal sealed class RequestBudget(PublishBudget publishes) : IRequestBudget
{
    public IMemoryHold Hold(HttpContext context) => MemoryHold.Of(context);

    public async ValueTask PublishAsync(HttpContext context, IReadOnlyList<NewEvent> events)
    {
        if (!await publishes.SpendAsync(RequestLimits.KeyOf(context), events, context.RequestAborted))
            throw new TooManyBytesException(context);
    }

    private sealed class TooManyBytesException(HttpContext context)
        : InvalidRequestException("body", "is too much at once.", StatusCodes.Status429TooManyRequests)
    {
        public override IResult ToResult()
        {
            context.Response.Headers.RetryAfter = "5";
            return TypedResults.Problem(
                statusCode: Status,
                title: "Too much at once",
                detail: "More of your events wait than are published in ten seconds "
                    + "(Limits:PublishKilobytesPerSecond). Wait as long as Retry-After says."
            );
        }
    }
}
