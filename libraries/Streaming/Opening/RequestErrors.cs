using Streaming.Refusals;

namespace Streaming.Opening;

/// <summary>Answers a request that is invalid or would cost too much, and any request in an outage, in the format of
/// its endpoint.</summary>
internal static class RequestErrors
{
    public static async Task RefuseErrorsAsync(this HttpContext context, RequestDelegate answer)
    {
        try
        {
            await answer(context);
        }
        catch (RefusedException e) when (!context.Response.HasStarted)
        {
            await context.RefuseAsync(e.Status, e.Title, e.Message, e.RetryAfter);
        }
        catch (InvalidRequestException e) when (!context.Response.HasStarted)
        {
            await context.RefuseAsync(e);
        }
        catch (Exception e) when (StoreUnavailableException.Is(e) && !context.Response.HasStarted)
        {
            await context.RefuseInOutageAsync();
        }
    }
}
