using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Mvc.Filters;
using Microsoft.Extensions.Primitives;

namespace Streaming.Endpoints;

/// <summary>Answers a refused program with a status. Sign-in schemes for people, and an application's own code,
/// redirect to a page instead, and <c>EventSource</c> would follow.</summary>
/// <remarks>It grants nothing. It is an authorization handler because ASP.NET Core calls all of them, whichever other
/// part of the authorization an application has replaced.</remarks>
internal sealed class RefusalStatusHandler : IAuthorizationHandler
{
    /// <summary>The answer (403) to a caller that requests something of another caller.</summary>
    public static IResult Forbidden { get; } = new ForbiddenAnswer();

    public Task HandleAsync(AuthorizationHandlerContext context)
    {
        // Only the first authorization of a request counts: that of the middleware or of a controllers' filter, before
        // the endpoint runs.
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
    /// <param name="cookies">The cookies before the redirect. The redirect adds cookies for a sign-in that never
    /// begins.</param>
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
