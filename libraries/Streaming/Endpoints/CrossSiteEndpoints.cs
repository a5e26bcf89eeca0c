using Microsoft.AspNetCore.Cors.Infrastructure;

namespace AspireSse.Server;

/// <summary>Refuses requests that pages of other origins make a browser send, such as an image whose source starts paid
/// work: they would cost money even if the page cannot read the response.</summary>
/// <remarks>Needed by a host whose endpoints change data or start paid work. Browsers mark such requests by
/// Sec-Fetch-Site (W3C Fetch Metadata), over plain HTTP only by the Origin of a POST. Other clients send neither
/// header.</remarks>
public static class CrossSiteEndpoints
{
    /// <summary>Refuses requests that pages of other origins make a browser send (403), if their method may change
    /// something.</summary>
    public static TBuilder RefusesCrossSite<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder => endpoints.Refuses(request => !IsSafe(request.Method));

    /// <summary>Refuses requests that pages of other origins make a browser send (403), with any method: a GET starts
    /// work, too.</summary>
    public static TBuilder StartsWork<TBuilder>(this TBuilder endpoints)
        where TBuilder : IEndpointConventionBuilder => endpoints.Refuses(_ => true);

    private static TBuilder Refuses<TBuilder>(this TBuilder endpoints, Func<HttpRequest, bool> hasEffects)
        where TBuilder : IEndpointConventionBuilder
    {
        endpoints.Add(endpoint =>
        {
            // Wraps the endpoint, because a filter would make objects of the arguments and the answer of each request.
            if (endpoint.RequestDelegate is { } next)
                endpoint.RequestDelegate = context => GuardAsync(context, next);
            // A controller's delegate is made later, so a filter is added.
            else
                endpoint.FilterFactories.Add(
                    (_, next) =>
                        async invocation =>
                        {
                            object? answer = Results.Empty;
                            await GuardAsync(invocation.HttpContext, async _ => answer = await next(invocation));
                            return answer;
                        }
                );
        });
        return endpoints;

        Task GuardAsync(HttpContext context, RequestDelegate next) =>
            hasEffects(context.Request) && IsOfOtherOrigin(context.Request)
                ? RefuseOrGoOnAsync(context, next)
                : next(context);
    }

    private static async Task RefuseOrGoOnAsync(HttpContext context, RequestDelegate next)
    {
        if (!await context.RefuseCrossSiteAsync())
            await next(context);
    }

    /// <summary>Refuses a request that a page of another origin made a browser send. Returns false for any other
    /// request, and for an allowed origin.</summary>
    internal static async Task<bool> RefuseCrossSiteAsync(this HttpContext context)
    {
        if (!IsOfOtherOrigin(context.Request) || await IsAllowedAsync(context))
            return false;

        await context.RefuseAsync(
            StatusCodes.Status403Forbidden,
            "Cross-site request refused",
            "A page of another origin sent this request, and the endpoint changes data or starts paid work. Allow its "
                + "origin by name in the default CORS policy or in the endpoint's own (RequireCors), and use fetch or "
                + "EventSource."
        );
        return true;
    }

    private static bool IsSafe(string method) =>
        HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsOptions(method);

    // "same-site": a page on another port of this host, or on a sibling domain. "none": the visitor typed the address.
    private static bool IsOfOtherOrigin(HttpRequest request) =>
        request.Headers["Sec-Fetch-Site"].ToString() is { Length: > 0 } site
            ? site is not ("same-origin" or "none")
            : request.Headers.Origin.ToString() is { Length: > 0 } origin && !IsOwn(origin, request.Host);

    // Ignores the scheme, which differs from the browser's behind a proxy that ends TLS.
    private static bool IsOwn(string origin, HostString host) =>
        Uri.TryCreate(origin, UriKind.Absolute, out var page)
        && page.Host.Equals(host.Host, StringComparison.OrdinalIgnoreCase)
        && (host.Port is { } port ? page.Port == port : page.IsDefaultPort);

    /// <summary>Returns true if the application's CORS policy names the origin. A policy for any origin does not count:
    /// a browser sends any page's GET with the visitor's cookie, and only withholds the answer.</summary>
    private static async Task<bool> IsAllowedAsync(HttpContext context)
    {
        if (context.Request.Headers.Origin.ToString() is not { Length: > 0 } origin)
            return false;
        if (WasAskedFor(context.Request))
            return true;

        var policies = context.RequestServices.GetService<ICorsPolicyProvider>();
        var policy = context.GetEndpoint()?.Metadata.GetMetadata<ICorsMetadata>() switch
        {
            IDisableCorsAttribute => null,
            ICorsPolicyMetadata own => own.Policy,
            var named when policies is not null => await policies.GetPolicyAsync(
                context,
                (named as IEnableCorsAttribute)?.PolicyName
            ),
            _ => null,
        };

        return policy?.IsOriginAllowed(origin) == true;
    }

    /// <summary>Returns true if a browser sends this request only after a preflight has allowed it (Fetch §3.3). Then
    /// the policy of <c>UseCors(…)</c>, which no metadata shows, has decided.</summary>
    private static bool WasAskedFor(HttpRequest request) =>
        (request.Headers["Sec-Fetch-Mode"] == "cors" || request.Headers["Sec-Fetch-Site"].Count == 0)
        && (
            !(IsSafe(request.Method) || HttpMethods.IsPost(request.Method))
            || request.HasJsonContentType()
            // A browser never sends this scheme by itself, unlike the others.
            || request.Headers.Authorization.ToString().StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
        );
}
