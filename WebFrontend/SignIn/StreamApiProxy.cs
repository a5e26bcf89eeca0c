using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http.Features;
using WebFrontend.Status;

namespace WebFrontend.SignIn;

/// <summary>
/// Forwards <c>/api/…</c> to StreamApi with the signed-in visitor's credential, which no script can read. Streams are
/// not buffered, and end when the page closes its connection, at sign-out and when this server stops.
/// </summary>
internal sealed class StreamApiProxy(
    SignInSessions sessions,
    StreamApiAddress streamApi,
    IConfiguration configuration,
    IHostApplicationLifetime lifetime,
    TimeProvider clock
) : IDisposable
{
    public const string Path = "/api";

    /// <summary>Timeout of the check of a credential, for which a visitor waits.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    private static readonly string[] RequestHeaders =
    [
        "Accept",
        "Last-Event-ID",
        "Cache-Control",
        "Content-Type",
        "Idempotency-Key",
    ];
    private static readonly string[] ResponseHeaders =
    [
        "Content-Type",
        "Cache-Control",
        "Retry-After",
        "Allow",
        "Link",
        "Location",
        "X-Sse-Position",
        "X-Accel-Buffering",
        "X-Request-Id",
        "Request-Id",
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
        using var timeout = new CancellationTokenSource(AnswerTimeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        try
        {
            using var response = await _http.SendAsync(request, either.Token);
            return response.StatusCode switch
            {
                HttpStatusCode.OK => true,
                HttpStatusCode.Unauthorized => false,
                var status => throw new HttpRequestException($"StreamApi answered {(int)status}."),
            };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HttpRequestException($"StreamApi did not answer within {AnswerTimeout.TotalSeconds} s.");
        }
    }

    public async Task ForwardAsync(HttpContext context)
    {
        // The cookie is same-site already; a browser that names the requesting site is checked as well.
        if (SignInPolicy.IsFromOtherSite(context))
        {
            await SignInPolicy.RefuseAsync(context, "problem.otherSite", StatusCodes.Status403Forbidden);
            return;
        }
        if (sessions.Find(context) is not { } session)
        {
            await SignInPolicy.RefuseAsync(context);
            return;
        }
        using var request = CreateRequest(context, session.Credential);
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        using var registration = sessions.CancelAtSignOut(session, cancellation);
        // RequestAborted does not fire at shutdown. Other requests than streams may finish.
        using var stream = CancellationTokenSource.CreateLinkedTokenSource(
            cancellation.Token,
            lifetime.ApplicationStopping
        );
        var acceptsStream = context.Request.GetTypedHeaders().Accept.Any(a => a.MediaType == ProxiedBody.EventStream);
        try
        {
            using var response = await _http.SendAsync(request, acceptsStream ? stream.Token : cancellation.Token);
            CopyHead(response, context);
            await new ProxiedBody(context, clock, cancellation.Token, lifetime.ApplicationStopping).CopyAsync(response);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            // Never an empty 200: a page would take it for a refusal of its stream, or for the outcome of its change.
            if (context.RequestAborted.IsCancellationRequested)
                return;
            if (cancellation.IsCancellationRequested)
                await SignInPolicy.RefuseAsync(context);
            else if (stream.IsCancellationRequested)
            {
                context.Response.Headers.RetryAfter = "1";
                await SignInPolicy.RefuseAsync(context, "problem.stopping", StatusCodes.Status503ServiceUnavailable);
            }
            else
                await SignInPolicy.RefuseAsync(context, "problem.noStreamApi", StatusCodes.Status502BadGateway);
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

    private static void CopyHead(HttpResponseMessage response, HttpContext context)
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
    }
}
