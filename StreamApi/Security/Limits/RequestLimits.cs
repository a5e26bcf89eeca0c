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

/// <summary>Counts what one user, or else one address, asks of all replicas together.</summary>
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
        services.AddSingleton(s => ActivatorUtilities.CreateInstance<ConnectionRateLimit>(s, DescriptorLimit.Waiting));
        services.AddSingleton<IConnectionListenerFactory, RateLimitedListenerFactory>();
        services.AddSingleton<IConfigureOptions<KestrelServerOptions>, DescriptorLimit>();
        services.AddRateLimiter(limiter =>
        {
            limiter.AddPolicy(
                RatePolicies.Streams,
                context =>
                    Options(context) is var o && IsResume(context)
                        ? Window(context, "resumes", o.ResumesPerMinute!.Value)
                        : Window(context, RatePolicies.Streams, o.NewStreamsPerMinute!.Value)
            );
            limiter.AddPolicy(
                RatePolicies.Generations,
                context => Window(context, RatePolicies.Generations, Options(context).GenerationsPerMinute!.Value)
            );
            limiter.AddPolicy(
                RatePolicies.Publishes,
                context => Bucket(context, RatePolicies.Publishes, Options(context).PublishesPerSecond!.Value)
            );
            // What says nothing of its own limit, a path that is not there too. Each replica counts for itself: nothing
            // that only reads asks Redis first.
            limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context =>
                PolicyOf(context) is null
                && Options(context).RequestsPerSecond!.Value is var perSecond and < LimitOptions.Unlimited
                    ? RateLimitPartition.GetTokenBucketLimiter(KeyOf(context), _ => BucketOf(perSecond))
                    : RateLimitPartition.GetNoLimiter("")
            );
            limiter.OnRejected = RefuseAsync;
        });
    }

    /// <summary>Whose allowance it is: the user's, else the address's. Of IPv6 the network, which is what one client
    /// has.</summary>
    public static string KeyOf(HttpContext context)
    {
        if (Caller.Of(context).User is { } user)
            return "user " + user;
        if (context.Connection.RemoteIpAddress is not { } address)
            return "";
        var client = ClientOf(address);
        return client.AddressFamily == AddressFamily.InterNetworkV6 ? client + "/64" : client.ToString();
    }

    /// <summary>Who shares the log with the others: the user, or the connection where users are not told
    /// apart.</summary>
    public static string PublisherOf(HttpContext context) =>
        Caller.Of(context).User is { } user ? "user " + user : context.Connection.Id;

    /// <summary>The address, of IPv6 its network.</summary>
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

    /// <summary>A client that comes back: with an id of ours, or with the ordinal that finite streams take
    /// too.</summary>
    private static bool IsResume(HttpContext context) =>
        LastEventId.Of(context.Request) is { Text: { } text } last
        && (last.Id is not null || text.All(char.IsAsciiDigit));

    private static RateLimitPartition<string> Window(HttpContext context, string what, int perMinute) =>
        Shared(
            context,
            what,
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

    private static RateLimitPartition<string> Bucket(HttpContext context, string what, int perSecond) =>
        Shared(
            context,
            what,
            perSecond,
            () => (new TokenBucketRateLimiter(BucketOf(perSecond)), SharedLimit.Bucket(perSecond, 2 * perSecond))
        );

    /// <summary>So many a second, and twice as many at once.</summary>
    private static TokenBucketRateLimiterOptions BucketOf(int perSecond) =>
        new()
        {
            TokensPerPeriod = Math.Max(1, perSecond / 10),
            ReplenishmentPeriod =
                perSecond < 10 ? TimeSpan.FromSeconds(1.0 / perSecond) : TimeSpan.FromMilliseconds(100),
            TokenLimit = 2 * perSecond,
            AutoReplenishment = false,
        };

    private static string? PolicyOf(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<EnableRateLimitingAttribute>()?.PolicyName;

    /// <summary>A limiter for each client, until it has been idle for a while.</summary>
    private static RateLimitPartition<string> Shared(
        HttpContext context,
        string what,
        int limit,
        Func<(ReplenishingRateLimiter Own, SharedLimit Shared)> make
    ) =>
        limit >= LimitOptions.Unlimited
            ? RateLimitPartition.GetNoLimiter("")
            : RateLimitPartition.Get<string>(
                $"{what}:{KeyOf(context)}",
                key =>
                {
                    var ((own, shared), services) = (make(), context.RequestServices);
                    return new SharedLimiter(
                        own,
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
            policy is null ? Refusals.Lateness
            : rejected.Lease.TryGetMetadata(SharedLimiter.Delay, out var late) ? late
            : TimeSpan.Zero;
        if (delay > TimeSpan.Zero)
            await Refusals.DelayAsync(context, delay);
        if (policy == RatePolicies.Streams && IsResume(context))
        {
            await StreamAdmission.PutOffAsync(
                context,
                context.RequestServices.GetRequiredService<IOptions<StreamingOptions>>().Value,
                "too many resumes of one client, come back"
            );
            return;
        }
        var (what, wait) = policy switch
        {
            RatePolicies.Streams => (
                $"opened {Options(context).NewStreamsPerMinute} new streams in the last minute (Limits:NewStreamsPerMinute)",
                TimeSpan.FromSeconds(10)
            ),
            RatePolicies.Generations => (
                $"asked {Options(context).GenerationsPerMinute} times in the last minute (Limits:GenerationsPerMinute)",
                TimeSpan.FromSeconds(10)
            ),
            null => (
                $"asked more than {Options(context).RequestsPerSecond} times a second (Limits:RequestsPerSecond)",
                TimeSpan.FromSeconds(1)
            ),
            _ => (
                $"published more than {Options(context).PublishesPerSecond} times a second (Limits:PublishesPerSecond)",
                TimeSpan.FromSeconds(1)
            ),
        };
        await Refusals.WriteAsync(
            context,
            StatusCodes.Status429TooManyRequests,
            "Too many requests",
            $"You have {what}. Wait as long as Retry-After says.",
            rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : wait
        );
    }
}
