using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Streaming;
using Streaming.Endpoints;
using Streaming.Opening;
using Streaming.Requests;

namespace StreamApi.Security.Limits;

/// <summary>
/// Rate limits: the requests of one user, or of one address if there is no user, over all replicas.
/// <see cref="LimitOptions"/> has the numbers; plain requests count per replica, and without Redis all of them do.
/// </summary>
internal static class RequestLimits
{
    private static readonly RateLimitPartition<string> Unlimited = RateLimitPartition.GetNoLimiter("");

    public static void AddLimits(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services
            .AddOptions<LimitOptions>()
            .BindConfiguration("Limits")
            .ValidateDataAnnotations()
            .PostConfigure<IHostEnvironment>((o, e) => o.Complete(e.IsDevelopment()))
            .ValidateOnStart();
        services.AddSingleton<EnvironmentLimits>();
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>>(s => s.GetRequiredService<EnvironmentLimits>());
        services.AddSingleton<IPostConfigureOptions<StreamingOptions>>(s => s.GetRequiredService<EnvironmentLimits>());
        services.AddSingleton<SharedCounts>();
        services.AddSingleton<PublishBudget>();
        services.AddSingleton<MemoryBudget>();
        services.AddSingleton<RefusalPace>();
        services.AddSingleton(s =>
            ActivatorUtilities.CreateInstance<ConnectionRateLimit>(s, DescriptorLimit.MaxWaiting)
        );
        services.AddSingleton<AddressConnections>();
        services.AddSingleton<IConnectionListenerFactory, RateLimitedListenerFactory>();
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>, DescriptorLimit>();
        services.AddRateLimiter(Configure);
    }

    /// <summary>
    /// Sets the one limiter of all requests, which needs no list of the features: their endpoints declare their kinds.
    /// </summary>
    public static void Configure(RateLimiterOptions limiter)
    {
        limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(PartitionOf);
        limiter.OnRejected = RefuseAsync;
    }

    /// <summary>The kind that the endpoint declares; null: a plain request, or an unknown path.</summary>
    public static RequestKind? KindOf(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<RequestKind>();

    private static RateLimitPartition<string> PartitionOf(HttpContext context)
    {
        var limits = Options(context);
        return KindOf(context) switch
        {
            null => Plain(context, limits.RequestsPerSecond!.Value),
            _ when context.IsResume() => Window(context, "resumes", limits.ResumesPerMinute!.Value),
            FeatureRequests own => Window(context, own.Name, own.MaxPerMinute),
            var kind when kind == RequestKind.Stream => Window(context, kind.Name, limits.NewStreamsPerMinute!.Value),
            var publish => Bucket(context, publish.Name, limits.PublishesPerSecond!.Value),
        };
    }

    /// <summary>
    /// Key of the client: the user, or else the address. IPv6 clients share the key of their /64 network.
    /// </summary>
    public static string KeyOf(HttpContext context)
    {
        if (Caller.Of(context).User is { } user)
            return KeyOf(user);
        if (context.Connection.RemoteIpAddress is not { } address)
            return "";
        var client = ClientOf(address);
        return client.AddressFamily == AddressFamily.InterNetworkV6 ? client + "/64" : client.ToString();
    }

    /// <summary>Key of a user.</summary>
    public static string KeyOf(string user) => "user " + user;

    /// <summary>Key for fair queueing of publishes: the user, or the connection where there are no users.</summary>
    public static string PublisherOf(HttpContext context) =>
        Caller.Of(context).User is { } user ? KeyOf(user) : context.Connection.Id;

    /// <summary>The client's address; for IPv6 its /64 network.</summary>
    public static IPAddress ClientOf(IPAddress address)
    {
        address = address.Unmapped();
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address;
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        bytes[8..].Clear();
        return new IPAddress(bytes);
    }

    private static LimitOptions Options(HttpContext context) =>
        context.RequestServices.GetRequiredService<IOptions<LimitOptions>>().Value;

    private static RateLimitPartition<string> Window(HttpContext context, string name, int perMinute) =>
        Shared(
            context,
            name,
            perMinute,
            () =>
                (
                    new SlidingWindowRateLimiter(
                        new SlidingWindowRateLimiterOptions
                        {
                            PermitLimit = perMinute,
                            Window = TimeSpan.FromMinutes(1),
                            SegmentsPerWindow = SharedLimit.Segments,
                            AutoReplenishment = false,
                        }
                    ),
                    SharedLimit.Window(perMinute, TimeSpan.FromMinutes(1))
                )
        );

    private static RateLimitPartition<string> Bucket(HttpContext context, string name, int perSecond) =>
        Shared(
            context,
            name,
            perSecond,
            () =>
                (
                    new TokenBucketRateLimiter(TokenBuckets.Of(perSecond, 2 * perSecond)),
                    SharedLimit.Bucket(perSecond, 2 * perSecond)
                )
        );

    /// <summary>Each replica counts for itself, so that plain reads do not wait for Redis.</summary>
    private static RateLimitPartition<string> Plain(HttpContext context, int perSecond) =>
        perSecond >= LimitOptions.Unlimited
            ? Unlimited
            : RateLimitPartition.GetTokenBucketLimiter(
                "plain:" + KeyOf(context),
                _ => TokenBuckets.Of(perSecond, 2 * perSecond)
            );

    /// <summary>Creates a limiter for each client; idle ones are removed.</summary>
    private static RateLimitPartition<string> Shared(
        HttpContext context,
        string name,
        int limit,
        Func<(ReplenishingRateLimiter Local, SharedLimit Shared)> create
    ) =>
        limit >= LimitOptions.Unlimited
            ? Unlimited
            : RateLimitPartition.Get<string>(
                $"{name}:{KeyOf(context)}",
                key =>
                {
                    var ((local, shared), services) = (create(), context.RequestServices);
                    return new SharedLimiter(
                        local,
                        shared,
                        services.GetRequiredService<SharedCounts>(),
                        key,
                        services.GetRequiredService<TimeProvider>()
                    );
                }
            );

    /// <summary>Delays a refusal. Returns false if the client has so many that this one is not sent.</summary>
    private static async Task<bool> IsSentAsync(HttpContext context, TimeSpan delay)
    {
        await Refusals.DelayAsync(context, delay);
        var pace = context.RequestServices.GetRequiredService<RefusalPace>();
        if (await pace.NextAsync(KeyOf(context), context.RequestAborted))
            return true;
        Refusals.EndConnection(context);
        return false;
    }

    private static async ValueTask RefuseAsync(OnRejectedContext rejected, CancellationToken cancellationToken)
    {
        var context = rejected.HttpContext;
        var kind = KindOf(context);
        var delay =
            kind is null ? Refusals.RandomDelay
            : rejected.Lease.TryGetMetadata(SharedLimiter.Delay, out var late) ? late
            : TimeSpan.Zero;
        if (delay > TimeSpan.Zero && !await IsSentAsync(context, delay))
            return;
        if (kind is not null && context.IsResume())
        {
            await StreamAdmission.AskToReconnectAsync(
                context,
                context.RequestServices.GetRequiredService<IOptions<StreamingOptions>>().Value,
                "Too many resumes of one client. Reconnect later."
            );
            return;
        }
        var limits = Options(context);
        var (reason, wait) = kind switch
        {
            null => (
                $"sent more than {limits.RequestsPerSecond} requests per second (Limits:RequestsPerSecond)",
                TimeSpan.FromSeconds(1)
            ),
            FeatureRequests own => (own.Excess, TimeSpan.FromSeconds(10)),
            _ when kind == RequestKind.Stream => (
                $"opened {limits.NewStreamsPerMinute} new streams in the last minute (Limits:NewStreamsPerMinute)",
                TimeSpan.FromSeconds(10)
            ),
            _ => (
                $"published more than {limits.PublishesPerSecond} times per second (Limits:PublishesPerSecond)",
                TimeSpan.FromSeconds(1)
            ),
        };
        await Refusals.WriteAsync(
            context,
            StatusCodes.Status429TooManyRequests,
            "Too many requests",
            $"You have {reason}. Retry after the time in Retry-After.",
            rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : wait
        );
    }
}
