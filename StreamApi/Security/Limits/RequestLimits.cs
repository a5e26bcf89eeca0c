using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using LlmGateway;
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
        services.AddSingleton(s =>
            ActivatorUtilities.CreateInstance<ConnectionRateLimit>(s, DescriptorLimit.MaxWaiting)
        );
        services.AddSingleton<AddressConnections>();
        services.AddSingleton<IConnectionListenerFactory, RateLimitedListenerFactory>();
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>, DescriptorLimit>();
        services.AddRateLimiter(limiter =>
        {
            limiter.AddPolicy(
                RatePolicies.Streams,
                context =>
                    Options(context) is var o && context.IsResume()
                        ? Window(context, "resumes", o.ResumesPerMinute!.Value)
                        : Window(context, RatePolicies.Streams, o.NewStreamsPerMinute!.Value)
            );
            limiter.AddPolicy(
                GenerationRate.Policy,
                context => Window(context, GenerationRate.Policy, Options(context).GenerationsPerMinute!.Value)
            );
            limiter.AddPolicy(
                RatePolicies.Publishes,
                context => Bucket(context, RatePolicies.Publishes, Options(context).PublishesPerSecond!.Value)
            );
            // Endpoints without a policy of their own, and unknown paths. Each replica counts for itself, so that plain
            // reads do not wait for Redis.
            limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context =>
                PolicyOf(context) is null
                && Options(context).RequestsPerSecond!.Value is var perSecond and < LimitOptions.Unlimited
                    ? RateLimitPartition.GetTokenBucketLimiter(KeyOf(context), _ => BucketOf(perSecond))
                    : RateLimitPartition.GetNoLimiter("")
            );
            limiter.OnRejected = RefuseAsync;
        });
    }

    /// <summary>
    /// Key of the client: the user, or else the address. IPv6 clients share the key of their /64 network.
    /// </summary>
    public static string KeyOf(HttpContext context)
    {
        if (Caller.Of(context).User is { } user)
            return "user " + user;
        if (context.Connection.RemoteIpAddress is not { } address)
            return "";
        var client = ClientOf(address);
        return client.AddressFamily == AddressFamily.InterNetworkV6 ? client + "/64" : client.ToString();
    }

    /// <summary>Key for fair queueing of publishes: the user, or the connection where there are no users.</summary>
    public static string PublisherOf(HttpContext context) =>
        Caller.Of(context).User is { } user ? "user " + user : context.Connection.Id;

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
            () => (new TokenBucketRateLimiter(BucketOf(perSecond)), SharedLimit.Bucket(perSecond, 2 * perSecond))
        );

    /// <summary>A token bucket with a burst of twice its rate.</summary>
    private static TokenBucketRateLimiterOptions BucketOf(int perSecond) =>
        new()
        {
            TokensPerPeriod = Math.Max(1, perSecond / 10),
            ReplenishmentPeriod =
                perSecond < 10 ? TimeSpan.FromSeconds(1.0 / perSecond) : TimeSpan.FromMilliseconds(100),
            TokenLimit = 2 * perSecond,
            AutoReplenishment = false,
        };

    /// <summary>Name of the endpoint's rate limit; null: that of plain requests.</summary>
    public static string? PolicyOf(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<EnableRateLimitingAttribute>()?.PolicyName;

    /// <summary>Creates a limiter for each client; idle ones are removed.</summary>
    private static RateLimitPartition<string> Shared(
        HttpContext context,
        string name,
        int limit,
        Func<(ReplenishingRateLimiter Local, SharedLimit Shared)> create
    ) =>
        limit >= LimitOptions.Unlimited
            ? RateLimitPartition.GetNoLimiter("")
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

    private static async ValueTask RefuseAsync(OnRejectedContext rejected, CancellationToken cancellationToken)
    {
        var context = rejected.HttpContext;
        var policy = PolicyOf(context);
        var delay =
            policy is null ? Refusals.RandomDelay
            : rejected.Lease.TryGetMetadata(SharedLimiter.Delay, out var late) ? late
            : TimeSpan.Zero;
        if (delay > TimeSpan.Zero)
            await Refusals.DelayAsync(context, delay);
        if (policy == RatePolicies.Streams && context.IsResume())
        {
            await StreamAdmission.AskToReconnectAsync(
                context,
                context.RequestServices.GetRequiredService<IOptions<StreamingOptions>>().Value,
                "Too many resumes of one client. Reconnect later."
            );
            return;
        }
        var limits = Options(context);
        var (reason, wait) = policy switch
        {
            RatePolicies.Streams => (
                $"opened {limits.NewStreamsPerMinute} new streams in the last minute (Limits:NewStreamsPerMinute)",
                TimeSpan.FromSeconds(10)
            ),
            GenerationRate.Policy => (
                $"started {limits.GenerationsPerMinute} generations in the last minute (Limits:GenerationsPerMinute)",
                TimeSpan.FromSeconds(10)
            ),
            null => (
                $"sent more than {limits.RequestsPerSecond} requests per second (Limits:RequestsPerSecond)",
                TimeSpan.FromSeconds(1)
            ),
            RatePolicies.Publishes => (
                $"published more than {limits.PublishesPerSecond} times per second (Limits:PublishesPerSecond)",
                TimeSpan.FromSeconds(1)
            ),
            _ => ($"exceeded the rate limit of this endpoint ({policy})", TimeSpan.FromSeconds(10)),
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
