using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Limits;

/// <summary>
/// Admits requests: at once within their client's rate (<see cref="RequestRates"/>), and beyond it in the fair turns of
/// what the server has to spare. Without a turn in time it refuses.
/// </summary>
internal sealed class RequestAdmission(
    RequestRates rates,
    RequestBudget budget,
    IOptions<LimitOptions> limits,
    TimeProvider clock
)
{
    /// <summary>Longest wait for a turn beyond the rate: a client that waits longer gives up anyway.</summary>
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(10);

    /// <summary>Late refusals that one client is sent per second. On HTTP/2 and behind a proxy a refusal does not end
    /// the client's connection, so that it repeats hundreds of requests as soon as they are refused.</summary>
    private const int RefusalsPerSecond = 100;

    /// <summary>A client for which refusals wait longer loses its connection.</summary>
    private static readonly TimeSpan MaxRefusalWait = TimeSpan.FromSeconds(10);

    private readonly Pace<string> _refusals = new(RefusalsPerSecond, burst: RefusalsPerSecond, clock);

    public static void Use(IApplicationBuilder app)
    {
        var admission = app.ApplicationServices.GetRequiredService<RequestAdmission>();
        app.Use((context, next) => admission.AdmitAsync(context, next));
    }

    private async Task AdmitAsync(HttpContext context, RequestDelegate next)
    {
        if (IsUnlimited(context))
        {
            await next(context);
            return;
        }

        using var lease = await rates.AcquireAsync(context);
        if (lease.IsAcquired)
        {
            await next(context);
            return;
        }

        if (MayWait(context) && await budget.TakeSpareTurnAsync(context, MaxWait))
            await next(context);
        else
            await RefuseAsync(context, lease);
    }

    /// <summary>True for health checks, and for replicas, which carry the requests of many clients to one
    /// another.</summary>
    private static bool IsUnlimited(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<DisableRateLimitingAttribute>() is not null
        || Caller.Of(context).User == Caller.Replica;

    /// <summary>Only known users may have what the server has to spare.</summary>
    private static bool MayWait(HttpContext context) =>
        Caller.Of(context).User is not null && RequestRates.KindOf(context) is not { IsFixed: true };

    private async Task RefuseAsync(HttpContext context, RateLimitLease lease)
    {
        var kind = RequestRates.KindOf(context);
        var isLate = kind is null || (lease.TryGetMetadata(SharedLimiter.IsLate, out var late) && late);
        if (isLate && !await IsSentAsync(context))
            return;

        if (kind is not null && context.IsResume())
        {
            await TypedResults.Reconnect("Too many resumes of one client. Reconnect later.").ExecuteAsync(context);
            return;
        }

        var (reason, wait) = ExcessOf(kind);
        await context.RefuseAsync(
            StatusCodes.Status429TooManyRequests,
            "Too many requests",
            $"You have {reason}. Retry after the time in Retry-After.",
            lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : wait
        );
    }

    private (string Reason, TimeSpan Wait) ExcessOf(RequestKind? kind) =>
        kind switch
        {
            null => (
                $"sent more than {limits.Value.RequestsPerSecond} requests per second (Limits:RequestsPerSecond)",
                TimeSpan.FromSeconds(1)
            ),
            { MaxPerMinute: not null } own => (own.Excess, TimeSpan.FromSeconds(10)),
            _ when kind == RequestKind.Stream => (
                $"opened {limits.Value.NewStreamsPerMinute} new streams in the last minute "
                    + "(Limits:NewStreamsPerMinute)",
                TimeSpan.FromSeconds(10)
            ),
            _ => (
                $"published more than {limits.Value.PublishesPerSecond} times per second (Limits:PublishesPerSecond)",
                TimeSpan.FromSeconds(1)
            ),
        };

    /// <summary>Delays a refusal. Returns false if the client has so many that this one is not sent.</summary>
    private async Task<bool> IsSentAsync(HttpContext context)
    {
        await context.DelayRefusalAsync();

        if (_refusals.Charge(Caller.KeyOf(context).Person, cost: 1, MaxRefusalWait) is not { } wait)
        {
            RequestRefusal.EndConnection(context);
            return false;
        }

        await Task.Delay(wait, clock, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !context.RequestAborted.IsCancellationRequested;
    }
}
