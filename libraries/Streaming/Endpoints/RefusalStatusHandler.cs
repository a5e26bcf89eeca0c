using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.Extensions.Primitives;

namespace Streaming.Endpoints;

/// <summary>Gives a program that may not use its endpoint a status. Schemes by which people sign in, and applications'
/// own code, lead to a page instead, which <c>EventSource</c> would follow.</summary>
/// <remarks>It grants nothing. It is a handler of rights because all of those are asked, whatever else of the
/// authorization an application has replaced.</remarks>
internal sealed class RefusalStatusHandler : IAuthorizationHandler
{
    /// <summary>The answer to a caller whose request is another's.</summary>
    public static IResult Forbidden { get; } = new ForbiddenAnswer();

    public Task HandleAsync(AuthorizationHandlerContext context)
    {
        // The first question about a request is the middleware's, or of a filter of controllers: before the endpoint.
        var http = (context.Resource as AuthorizationFilterContext)?.HttpContext ?? context.Resource as HttpContext;
        if (
            http?.GetEndpoint()?.Metadata.GetMetadata<IApiEndpoint>() is null
            || http.Features.Get<RefusalStatusHandler>() is not null
        )
            return Task.CompletedTask;

        http.Features.Set(this);
        var cookies = http.Response.Headers.SetCookie;
        http.Response.OnStarting(() =>
        {
            if (!context.HasSucceeded)
                Stay(http, http.User.Identities.Any(i => i.IsAuthenticated) ? 403 : 401, cookies);
            return Task.CompletedTask;
        });
        return Task.CompletedTask;
    }

    /// <summary>Turns a redirect into a status.</summary>
    /// <param name="cookies">Those before it, which gave the state of a sign-in that nobody begins.</param>
    private static void Stay(HttpContext context, int status, StringValues cookies)
    {
        var response = context.Response;
        if (response.StatusCode is < 300 or >= 400)
            return;

        response.StatusCode = status;
        response.Headers.Location = default;
        response.Headers.SetCookie = cookies;
    }

    private sealed class ForbiddenAnswer : IResult
    {
        public async Task ExecuteAsync(HttpContext httpContext)
        {
            var cookies = httpContext.Response.Headers.SetCookie;
            await httpContext.ForbidAsync();
            Stay(httpContext, StatusCodes.Status403Forbidden, cookies);
        }
    }
}
