using Streaming.Refusals;

namespace LlmGateway.Dialects;

/// <summary>Describes the endpoints of dialects, which get a <see cref="DialectRequest"/>.</summary>
internal static class DialectEndpoints
{
    /// <summary>Answers in a dialect, also with refusals and failures, and describes the endpoint for the OpenAPI
    /// document. It comes after all other filters.</summary>
    /// <param name="endpoint">The endpoint.</param>
    /// <param name="format">The dialect.</param>
    /// <param name="note">Describes how the stream ends and stays alive. Null if the answer is empty.</param>
    /// <param name="frames">Names of the stream's frames, or empty if the endpoint never streams.</param>
    /// <param name="isStream">True if the endpoint always streams.</param>
    public static RouteHandlerBuilder AnswersAs(
        this RouteHandlerBuilder endpoint,
        VendorFormat format,
        string? note = "",
        string frames = "",
        bool isStream = false
    )
    {
        var names = frames.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (note is null)
            endpoint.Produces(StatusCodes.Status204NoContent);
        else
            endpoint.WithMetadata(
                new VendorDescription(new Uri(format.Reference), names, note) { IsStream = isStream }
            );

        return endpoint
            .WithTags(format.Vendor)
            .RefusesAs(format.RefuseAsync)
            .AddEndpointFilter(
                async (invocation, next) =>
                {
                    var context = invocation.HttpContext;
                    var handler = new DialectRequest(context).Handler;
                    await handler.AnswerAsync(context, format, async () => await next(invocation));
                    return Results.Empty;
                }
            );
    }
}
