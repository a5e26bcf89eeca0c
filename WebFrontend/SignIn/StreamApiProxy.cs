using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http.Features;
using WebFrontend.StreamApi;

namespace WebFrontend.SignIn;

/// <summary>
/// Forwards <c>/api/…</c> to StreamApi with the signed-in visitor's credential, which no script can read. Forwards
/// streams without buffering, and ends them when the page closes its connection.
/// </summary>
internal sealed class StreamApiProxy(
    SignInSessions sessions,
    StreamApiAddress streamApi,
    IConfiguration configuration,
    IHostApplicationLifetime lifetime
) : IDisposable
{
    public const string Path = "/api";

    private static readonly string[] RequestHeaders = ["Accept", "Last-Event-ID", "Cache-Control", "Content-Type"];
    private static readonly string[] ResponseHeaders =
    [
        "Content-Type",
        "Cache-Control",
        "Retry-After",
        "Link",
        "Location",
        "X-Sse-Position",
        "X-Accel-Buffering",
    ];

    // Without the resilience handler, which would retry unsafe requests and time out streams.
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

    /// <summary>Returns true if StreamApi accepts the credential.</summary>
    /// <exception cref="HttpRequestException">StreamApi does not answer, or answers with an error.</exception>
    public async Task<bool> IsAcceptedAsync(string credential, CancellationToken cancellationToken)
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

    public async Task ForwardAsync(HttpContext context)
    {
        // The cookie is same-site already; a browser that names the requesting site is checked as well.
        if (context.Request.Headers["Sec-Fetch-Site"].ToString() is not ("" or "same-origin"))
        {
            await TypedResults
                .Problem("Only pages of this site may call it.", statusCode: StatusCodes.Status403Forbidden)
                .ExecuteAsync(context);
            return;
        }
        if (sessions.Find(context) is not { } session)
        {
            await SignInPolicy.RefuseAsync(context);
            return;
        }
        using var request = CreateRequest(context, session.Credential);
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(
            context.RequestAborted,
            lifetime.ApplicationStopping
        );
        using var registration = sessions.CancelAtSignOut(session, cancellation);
        try
        {
            using var response = await _http.SendAsync(request, cancellation.Token);
            await ForwardResponseAsync(response, context, cancellation.Token);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            if (!cancellation.IsCancellationRequested)
                await TypedResults
                    .Problem("StreamApi does not answer.", statusCode: StatusCodes.Status502BadGateway)
                    .ExecuteAsync(context);
        }
    }

    public void Dispose() => _http.Dispose();

    private HttpRequestMessage CreateRequest(HttpContext context, string credential)
    {
        // Path and query are set separately: `/api/\\elsewhere.example` resolved as text would name another host.
        context.Request.Path.StartsWithSegments(Path, out var path);
        var address = new UriBuilder(_server)
        {
            Path = path.ToUriComponent(),
            Query = context.Request.QueryString.Value,
        }.Uri;
        var incoming = context.Request;
        var hasBody = context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true;
        var request = new HttpRequestMessage(new HttpMethod(incoming.Method), address)
        {
            Content = hasBody ? new StreamContent(incoming.Body) : null,
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", credential) },
        };
        foreach (var name in RequestHeaders)
            if (
                incoming.Headers[name] is { Count: > 0 } values
                && !request.Headers.TryAddWithoutValidation(name, values.ToArray())
            )
                request.Content?.Headers.TryAddWithoutValidation(name, values.ToArray());
        return request;
    }

    private static async Task ForwardResponseAsync(
        HttpResponseMessage response,
        HttpContext context,
        CancellationToken cancellationToken
    )
    {
        // The credential has expired: the next page asks for a new one.
        if (response.StatusCode == HttpStatusCode.Unauthorized)
            SignInSessions.DeleteCookie(context);
        context.Response.StatusCode = (int)response.StatusCode;
        foreach (var name in ResponseHeaders)
            if (
                response.Headers.TryGetValues(name, out var values)
                || response.Content.Headers.TryGetValues(name, out values)
            )
                context.Response.Headers[name] = values.ToArray();
        try
        {
            await CopyBodyAsync(response, context, cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            // Cut the connection as StreamApi's was; a proper end would look like a complete body.
            if (!context.RequestAborted.IsCancellationRequested)
                context.Abort();
        }
    }

    private static async Task CopyBodyAsync(
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
