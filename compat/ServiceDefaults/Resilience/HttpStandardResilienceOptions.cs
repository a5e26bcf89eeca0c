// Stands in for Microsoft.Extensions.Http.Resilience. Not affiliated with Microsoft or the .NET Foundation.
using System.Net;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;
using Polly.Timeout;

namespace Microsoft.Extensions.Http.Resilience;

/// <summary>The standard pipeline of Microsoft.Extensions.Http.Resilience
/// with its defaults, without the rate limiter.</summary>
public class HttpStandardResilienceOptions
{
    public HttpTimeoutStrategyOptions TotalRequestTimeout { get; set; } = new();

    public HttpRetryStrategyOptions Retry { get; set; } = new();

    public HttpCircuitBreakerStrategyOptions CircuitBreaker { get; set; } = new();

    public HttpTimeoutStrategyOptions AttemptTimeout { get; set; } = new() { Timeout = TimeSpan.FromSeconds(10) };
}

public class HttpTimeoutStrategyOptions : TimeoutStrategyOptions;

public class HttpCircuitBreakerStrategyOptions : CircuitBreakerStrategyOptions<HttpResponseMessage>
{
    public HttpCircuitBreakerStrategyOptions() => ShouldHandle = args => new(Transient.Is(args.Outcome));
}

public class HttpRetryStrategyOptions : RetryStrategyOptions<HttpResponseMessage>
{
    public HttpRetryStrategyOptions()
    {
        ShouldHandle = args => new(Transient.Is(args.Outcome));
        BackoffType = DelayBackoffType.Exponential;
        UseJitter = true;
        DelayGenerator = args =>
            new(
                args.Outcome.Result?.Headers.RetryAfter switch
                {
                    { Delta: { } delta } => delta,
                    { Date: { } date } when date > TimeProvider.System.GetUtcNow() => date
                        - TimeProvider.System.GetUtcNow(),
                    _ => null, // Polly's own backoff
                }
            );
    }
}

internal static class Transient
{
    public static bool Is(Outcome<HttpResponseMessage> outcome) =>
        outcome switch
        {
            { Exception: HttpRequestException or TimeoutRejectedException } => true,
            {
                Result.StatusCode: >= HttpStatusCode.InternalServerError
                    or HttpStatusCode.RequestTimeout
                    or HttpStatusCode.TooManyRequests
            } => true,
            _ => false,
        };
}
