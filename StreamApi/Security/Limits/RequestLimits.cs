using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.Options;
using StreamApi.Streaming;
using StreamApi.Streaming.Frames;

namespace StreamApi.Security.Limits;

/// <summary>Counts what one user, or else one address, asks of this replica.</summary>
internal static class RequestLimits
{
    private const string Streams = "streams", Publishes = "publishes", Generations = "generations";

    public static void AddLimits(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<LimitOptions>().BindConfiguration("Limits").ValidateDataAnnotations().PostConfigure<IHostEnvironment>((o, e) => o.Complete(e.IsDevelopment())).ValidateOnStart();
        services.AddSingleton<EnvironmentLimits>();
        services.AddSingleton<Microsoft.Extensions.Options.IConfigureOptions<Microsoft.AspNetCore.Server.Kestrel.Core.KestrelServerOptions>>(s => s.GetRequiredService<EnvironmentLimits>());
        services.AddSingleton<IPostConfigureOptions<StreamingOptions>>(s => s.GetRequiredService<EnvironmentLimits>());
        services.AddRateLimiter(limiter =>
        {
            limiter.AddPolicy(Streams, context => Options(context) is var o && IsResume(context)
                ? Window("resume " + KeyOf(context), o.ResumesPerMinute) : Window(KeyOf(context), o.NewStreamsPerMinute));
            limiter.AddPolicy(Generations, context => Window(KeyOf(context), Options(context).GenerationsPerMinute));
            limiter.AddPolicy(Publishes, context => Options(context).PublishesPerSecond >= LimitOptions.AsGoodAsNone ? RateLimitPartition.GetNoLimiter("") : RateLimitPartition.GetTokenBucketLimiter(KeyOf(context), _ => new TokenBucketRateLimiterOptions
            {
                TokensPerPeriod = Math.Max(1, Options(context).PublishesPerSecond!.Value / 10), ReplenishmentPeriod = Options(context).PublishesPerSecond < 10
                    ? TimeSpan.FromSeconds(1.0 / Options(context).PublishesPerSecond!.Value) : TimeSpan.FromMilliseconds(100),
                TokenLimit = 2 * Options(context).PublishesPerSecond!.Value,
            }));
            limiter.OnRejected = RefuseAsync;
        });
    }

    /// <summary>Opens a stream.</summary>
    public static TBuilder LimitedAsStream<TBuilder>(this TBuilder endpoint) where TBuilder : IEndpointConventionBuilder => endpoint.RequireRateLimiting(Streams);

    /// <summary>Publishes or changes something.</summary>
    public static TBuilder LimitedAsPublish<TBuilder>(this TBuilder endpoint) where TBuilder : IEndpointConventionBuilder => endpoint.RequireRateLimiting(Publishes);

    /// <summary>Makes a model work.</summary>
    public static TBuilder LimitedAsGeneration<TBuilder>(this TBuilder endpoint) where TBuilder : IEndpointConventionBuilder => endpoint.RequireRateLimiting(Generations);

    /// <summary>Whose allowance it is: the user's, else the address's. Of IPv6 the network, which is what one client has.</summary>
    public static string KeyOf(HttpContext context)
    {
        if (Caller.Of(context).User is { } user) return "user " + user;
        if (context.Connection.RemoteIpAddress is not { } address) return "";
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address.ToString();
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes) + "/64";
    }

    private static LimitOptions Options(HttpContext context) => context.RequestServices.GetRequiredService<IOptions<LimitOptions>>().Value;

    /// <summary>A client that comes back: with an id of ours, or with the ordinal that finite streams take too.</summary>
    private static bool IsResume(HttpContext context) => LastEventId.Of(context.Request) is { Text: { } text } last && (last.Id is not null || text.All(char.IsAsciiDigit));

    private static RateLimitPartition<string> Window(string key, int? perMinute) => perMinute >= LimitOptions.AsGoodAsNone ? RateLimitPartition.GetNoLimiter("") : RateLimitPartition.GetSlidingWindowLimiter(key, _ => new SlidingWindowRateLimiterOptions
    {
        PermitLimit = perMinute!.Value, Window = TimeSpan.FromMinutes(1), SegmentsPerWindow = 12,
    });

    private static async ValueTask RefuseAsync(OnRejectedContext rejected, CancellationToken cancellationToken)
    {
        var context = rejected.HttpContext;
        var policy = context.GetEndpoint()?.Metadata.GetMetadata<EnableRateLimitingAttribute>()?.PolicyName;
        if (policy == Streams && IsResume(context))
        {
            await Streaming.Streams.PutOffAsync(context, context.RequestServices.GetRequiredService<IOptions<StreamingOptions>>().Value, "too many resumes of one client, come back");
            return;
        }
        var (what, wait) = policy switch
        {
            Streams => ($"opened {Options(context).NewStreamsPerMinute} new streams in the last minute (Limits:NewStreamsPerMinute)", TimeSpan.FromSeconds(10)),
            Generations => ($"asked {Options(context).GenerationsPerMinute} times in the last minute (Limits:GenerationsPerMinute)", TimeSpan.FromSeconds(10)),
            _ => ($"published more than {Options(context).PublishesPerSecond} times a second (Limits:PublishesPerSecond)", TimeSpan.FromSeconds(1)),
        };
        await Refusals.WriteAsync(context, StatusCodes.Status429TooManyRequests, "Too many requests", $"You have {what}. Wait as long as Retry-After says.",
            rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : wait);
    }
}
