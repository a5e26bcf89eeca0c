using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http.Features;
using WebFrontend.StreamApi;

namespace WebFrontend.SignIn;

/// <summary>
/// <c>/api/…</c>: what a signed-in visitor's pages ask StreamApi, with his credential, which the browser never shows to
/// a script. Streams pass as
/// they come; a page that leaves ends them.
/// </summary>
internal sealed class StreamApiPassage(
    SignedIn signedIn,
    StreamApiAddress streamApi,
    IConfiguration configuration,
    IHostApplicationLifetime lifetime
) : IDisposable
{
    public const string Path = "/api";

    private static readonly string[] Asked = ["Accept", "Last-Event-ID", "Cache-Control", "Content-Type"];
    private static readonly string[] Answered =
    [
        "Content-Type",
        "Cache-Control",
        "Retry-After",
        "Link",
        "Location",
        "X-Sse-Position",
        "X-Accel-Buffering",
    ];

    // No resilience handler: it would repeat what must not be, and end streams.
    private readonly HttpMessageInvoker _http = new(
        new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            ConnectTimeout = TimeSpan.FromSeconds(5),
        }
    );
    private readonly Uri _server = new(configuration["services:streamapi:http:0"] ?? streamApi.Origin);

    /// <summary>Whether StreamApi knows this credential.</summary>
    /// <exception cref="HttpRequestException">It does not answer.</exception>
    public async Task<bool> IsKnownAsync(string credential, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_server, "/v1/models"))
        {
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", credential) },
        };
        using var response = await _http.SendAsync(request, cancellationToken);
        return response.StatusCode switch
        {
            HttpStatusCode.OK => true,
            HttpStatusCode.Unauthorized => false,
            var status => throw new HttpRequestException($"StreamApi answered {(int)status}."),
        };
    }

    public async Task PassAsync(HttpContext context)
    {
        // The cookie comes with no other site's request; where the browser says who asks, that is looked at too.
        if (context.Request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin"))
        {
            await TypedResults
                .Problem("Only this site's own pages may ask.", statusCode: StatusCodes.Status403Forbidden)
                .ExecuteAsync(context);
            return;
        }
        if (signedIn.VisitOf(context) is not { } visit)
        {
            await SignInExtensions.RefuseAsync(context);
            return;
        }
        using var request = RequestOf(context, visit.Credential);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(
            context.RequestAborted,
            lifetime.ApplicationStopping
        );
        using var signedOut = signedIn.EndWith(visit, ends);
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, ends.Token);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            if (!ends.IsCancellationRequested)
                await TypedResults
                    .Problem("StreamApi does not answer.", statusCode: StatusCodes.Status502BadGateway)
                    .ExecuteAsync(context);
            return;
        }
        using (response)
        {
            // Its time is over: the next page asks who it is.
            if (response.StatusCode == HttpStatusCode.Unauthorized)
                SignedIn.Forget(context);
            context.Response.StatusCode = (int)response.StatusCode;
            foreach (var name in Answered)
                if (
                    response.Headers.TryGetValues(name, out var values)
                    || response.Content.Headers.TryGetValues(name, out values)
                )
                    context.Response.Headers[name] = values.ToArray();
            try
            {
                await CopyAsync(response, context, ends.Token);
            }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
            {
                // Cut off as StreamApi's was; a proper end would say that nothing is missing.
                if (!context.RequestAborted.IsCancellationRequested)
                    context.Abort();
            }
        }
    }

    public void Dispose() => _http.Dispose();

    private HttpRequestMessage RequestOf(HttpContext context, string credential)
    {
        // As a path and a query, never as a text to resolve: `/api/\\elsewhere.example` would be another host.
        context.Request.Path.StartsWithSegments(Path, out var path);
        var address = new UriBuilder(_server)
        {
            Path = path.ToUriComponent(),
            Query = context.Request.QueryString.Value,
        }.Uri;
        var (asked, body) = (
            context.Request,
            context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true
        );
        var request = new HttpRequestMessage(new HttpMethod(asked.Method), address)
        {
            Content = body ? new StreamContent(asked.Body) : null,
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", credential) },
        };
        foreach (var name in Asked)
            if (
                asked.Headers[name] is { Count: > 0 } values
                && !request.Headers.TryAddWithoutValidation(name, values.ToArray())
            )
                request.Content?.Headers.TryAddWithoutValidation(name, values.ToArray());
        return request;
    }

    private static async Task CopyAsync(
        HttpResponseMessage response,
        HttpContext context,
        CancellationToken cancellationToken
    )
    {
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await context.Response.StartAsync(cancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[16 * 1024];
        for (int read; (read = await body.ReadAsync(buffer, cancellationToken)) > 0; )
            await context.Response.Body.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
    }
}
