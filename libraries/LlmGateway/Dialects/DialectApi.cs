namespace LlmGateway.Dialects;

/// <summary>Maps the endpoints of dialects.</summary>
internal static class DialectApi
{
    /// <summary>Maps an endpoint without names in its path.</summary>
    public static RouteHandlerBuilder MapPost(
        this IEndpointRouteBuilder app,
        string path,
        Func<DialectRequest, Task> answerAsync
    ) => app.MapPost(path, (Delegate)((HttpContext context) => answerAsync(new DialectRequest(context))));
}
