using System.Net;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using WebFrontend.Status;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;
using Yarp.ReverseProxy.Transforms.Builder;

namespace WebFrontend.SignIn;

/// <summary>
/// Forwards <c>/api/…</c> to StreamApi with the signed-in visitor's credential, which no script can read. Streams are
/// not buffered, may be silent for any time, and are cut when the page closes its connection, at sign-out and when this
/// server stops. Clients resume them.
/// </summary>
internal sealed class StreamApiProxy(
    SignInSessions sessions,
    StreamApiAddress streamApi,
    IConfiguration configuration,
    IHttpForwarder forwarder,
    ITransformBuilder transforms,
    IHostApplicationLifetime lifetime,
    TimeProvider clock
) : IDisposable
{
    public const string Path = "/api";

    private const string EventStream = "text/event-stream";

    /// <summary>Timeout of the check of a credential, for which a visitor waits.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Limit for a page that does not read: it may pause for 300 s, as at StreamApi. Kestrel's own limit would abort a
    /// reader that pauses for a minute (HTTP/1.1 only).
    /// </summary>
    private static readonly MinDataRate SlowestReader = new(bytesPerSecond: 240, TimeSpan.FromSeconds(300));

    // The forwarder's default would cut a stream after 100 s without an event.
    private static readonly ForwarderRequestConfig Forwarding = new()
    {
        ActivityTimeout = Timeout.InfiniteTimeSpan,
        Version = HttpVersion.Version11,
    };

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
    private readonly HttpTransformer _transformer = transforms.Create(Configure);

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

        using var cancellation = new CancellationTokenSource();
        using var signOut = sessions.CancelAtSignOut(context, cancellation);
        var acceptsStream = context.Request.GetTypedHeaders().Accept.Any(a => a.MediaType == EventStream);
        // RequestAborted does not fire at shutdown. Other requests than streams may finish.
        using var stop = lifetime.ApplicationStopping.Register(() =>
        {
            if (acceptsStream || IsStream(context.Response.ContentType))
                cancellation.Cancel();
        });

        // The forwarder would pass the wish for a WebSocket on, whatever headers are allowed.
        context.Request.Headers.Remove("Upgrade");
        var server = _server.GetLeftPart(UriPartial.Authority);
        var error = await forwarder.SendAsync(context, server, _http, Forwarding, _transformer, cancellation.Token);
        var isAnswered = error is ForwarderError.None || context.Response.HasStarted;
        if (isAnswered || context.RequestAborted.IsCancellationRequested)
            return;

        // Never an empty response: a page would take it for a refusal of its stream, or for the outcome of its change.
        if (!cancellation.IsCancellationRequested)
            await SignInPolicy.RefuseAsync(context, "problem.noStreamApi", StatusCodes.Status502BadGateway);
        else if (!lifetime.ApplicationStopping.IsCancellationRequested)
            await SignInPolicy.RefuseAsync(context);
        else
        {
            context.Response.Headers.RetryAfter = "1";
            await SignInPolicy.RefuseAsync(context, "problem.stopping", StatusCodes.Status503ServiceUnavailable);
        }
    }

    public void Dispose() => _http.Dispose();

    private static void Configure(TransformBuilderContext forwarding)
    {
        forwarding.AddPathRemovePrefix(Path);
        forwarding.UseDefaultForwarders = false;
        forwarding.AddRequestHeadersAllowed(
            "Accept",
            "Last-Event-ID",
            "Cache-Control",
            "Content-Type",
            "Idempotency-Key"
        );
        forwarding.AddRequestTransform(AddCredentialAsync);

        forwarding.CopyResponseTrailers = false;
        forwarding.AddResponseHeadersAllowed(
            "Content-Type",
            "Cache-Control",
            "Retry-After",
            "Allow",
            "Link",
            "Location",
            "X-Sse-Position",
            "X-Accel-Buffering",
            "X-Request-Id",
            "Request-Id"
        );
        forwarding.AddResponseTransform(StartAsync);
    }

    private static async ValueTask AddCredentialAsync(RequestTransformContext request)
    {
        var credential = await SignInSessions.CredentialAsync(request.HttpContext);
        request.ProxyRequest.Headers.Authorization = new AuthenticationHeaderValue("Bearer", credential);
    }

    /// <summary>Starts the response, and sends the head of a stream at once: its first event may come late.</summary>
    private static async ValueTask StartAsync(ResponseTransformContext forwarded)
    {
        if (forwarded.ProxyResponse is not { } response)
            return;

        var context = forwarded.HttpContext;

        // The length of a stream, or of a model's answer, is no latency; a refusal counts.
        if (response.IsSuccessStatusCode && context.Features.Get<IHttpMetricsTagsFeature>() is { } metrics)
            metrics.MetricsDisabled = true;

        // The credential has expired: the next page asks for a new one.
        if (response.StatusCode == HttpStatusCode.Unauthorized)
            await context.SignOutAsync();

        if (!IsStream(context.Response.ContentType))
        {
            await context.Response.StartAsync();
            return;
        }

        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } rate)
            rate.MinDataRate = SlowestReader;

        await context.Response.Body.FlushAsync();
    }

    private static bool IsStream(string? contentType) =>
        contentType?.StartsWith(EventStream, StringComparison.OrdinalIgnoreCase) == true;
}
