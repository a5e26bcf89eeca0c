using Microsoft.Extensions.Http.Resilience;
using Polly;

namespace ServiceDefaults.Http;

/// <summary>Lets streams last, as their readers resume them; retries only requests that are idempotent.</summary>
internal static class StreamAwareResilience
{
    public static void Configure(HttpStandardResilienceOptions options)
    {
        LetStreamsLast(options.TotalRequestTimeout);
        LetStreamsLast(options.AttemptTimeout);

        var isTransient = options.Retry.ShouldHandle;
        options.Retry.ShouldHandle = args => IsRepeatable(args.Context) ? isTransient(args) : new(false);

        // A stream that the server ended or refused says nothing about its other requests.
        var isFailure = options.CircuitBreaker.ShouldHandle;
        options.CircuitBreaker.ShouldHandle = args => IsStream(args.Context) ? new(false) : isFailure(args);
    }

    // An infinite timeout disables Polly's timeout. Options are read for each request, so later configuration counts.
    private static void LetStreamsLast(HttpTimeoutStrategyOptions timeout) =>
        timeout.TimeoutGenerator = args => new(IsStream(args.Context) ? Timeout.InfiniteTimeSpan : timeout.Timeout);

    private static bool IsStream(ResilienceContext context) =>
        context.GetRequestMessage() is { } request && OutgoingStreams.IsStream(request);

    // RFC 9110 §9.2.2
    private static bool IsRepeatable(ResilienceContext context) =>
        context.GetRequestMessage() is { } request
        && !OutgoingStreams.IsStream(request)
        && request.Method.Method is "GET" or "HEAD" or "OPTIONS" or "TRACE" or "PUT" or "DELETE";
}
