using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Limits;

/// <summary>
/// Limits of one user, or of one address if there is no user; section <c>Limits</c>. Unset limits take the defaults of
/// <see cref="Complete"/>, which in Development are unlimited so that load tests measure the server.
/// </summary>
/// <remarks>What is internal here is a constant for operators: no key sets it. Tests make it smaller.</remarks>
internal sealed class LimitOptions
{
    /// <summary>This value and higher ones mean unlimited.</summary>
    public const int Unlimited = RequestKind.Unlimited;

    /// <summary>New streams per minute. A client with a last id is not counted.</summary>
    [Range(1, Unlimited)]
    public int? NewStreamsPerMinute { get; set; }

    /// <summary>Resumed streams per minute, twice <see cref="NewStreamsPerMinute"/>. Beyond it the stream asks the
    /// client to return later: 429 would stop a browser.</summary>
    internal int? ResumesPerMinute { get; set; }

    /// <summary>Requests per second that publish or change data, with a burst of twice as many.</summary>
    [Range(1, Unlimited)]
    public int? PublishesPerSecond { get; set; }

    /// <summary>Kilobytes that one client may send per second on this replica, at least one for each event. Beyond it
    /// the client's bodies take turns.</summary>
    [Range(16, Unlimited)]
    public int? PublishKilobytesPerSecond { get; set; }

    /// <summary>Connections that one address may open per second on this replica, with a burst of the same size.
    /// Further ones wait up to ten seconds; proxies (<c>Security:Proxies</c>) are exempt.</summary>
    [Range(1, Unlimited)]
    public int? ConnectionsPerSecond { get; set; }

    /// <summary>
    /// Connections that one address may have open on this replica; further ones are closed. Proxies are exempt.
    /// </summary>
    [Range(1, Unlimited)]
    public int? ConnectionsPerAddress { get; set; }

    /// <summary>Seconds after which a connection without a request is closed. Must exceed the proxy's keep-alive
    /// (nginx: 60).</summary>
    [Range(1, 3_600)]
    public int KeepAliveSeconds { get; set; } = 90;

    /// <summary>Requests per second on this replica that no other limit counts, with a burst of twice as many: also
    /// those without a valid credential, preflights, unknown paths.</summary>
    [Range(1, Unlimited)]
    public int? RequestsPerSecond { get; set; }

    /// <summary>Percent of the processors, while they are busy, for reads of history and topic lists; further reads
    /// wait.</summary>
    [Range(1, Unlimited)]
    public int? ReadPercent { get; set; }

    /// <summary>Percent of the processors, while they are busy, for requests beyond their client's rate, in fair turns.
    /// 0: the rates always bind.</summary>
    [Range(0, 100)]
    public int SparePercent { get; set; } = AdmissionOptions.DefaultSparePercent;

    /// <summary>
    /// Maximum wait in milliseconds for the count over all replicas; after that the replica's own count decides.
    /// </summary>
    internal int RedisMilliseconds { get; set; } = 500;

    /// <summary>Maximum bytes of a request body, unless the endpoint sets its own maximum.</summary>
    internal int MaxBodyBytes { get; set; } = 1024 * 1024;

    /// <summary>Megabytes of bodies and unread pages that this replica should hold. Above it only a client with less
    /// than an equal share gets more than 64 kB.</summary>
    [Range(1, Unlimited)]
    public int HeldMegabytes { get; set; } = 128;

    /// <summary>Minimum bytes per second at which a client must read a response that is not a stream, after
    /// <see cref="ResponseGraceSeconds"/>; else it is aborted.</summary>
    internal int MinResponseBytesPerSecond { get; set; } = 4_096;

    /// <summary>See <see cref="MinResponseBytesPerSecond"/>.</summary>
    internal int ResponseGraceSeconds { get; set; } = 10;

    /// <summary>Seconds within which the request headers must arrive.</summary>
    internal int HeaderSeconds { get; set; } = 10;

    /// <summary>Minimum bytes per second at which a body must arrive, after <see cref="BodyGraceSeconds"/>.</summary>
    internal int MinBodyBytesPerSecond { get; set; } = 240;

    /// <summary>See <see cref="MinBodyBytesPerSecond"/>.</summary>
    internal int BodyGraceSeconds { get; set; } = 5;

    /// <summary>Sets unset limits to the defaults of the environment.</summary>
    public void Complete(bool development)
    {
        NewStreamsPerMinute ??= development ? Unlimited : 60;
        ResumesPerMinute ??= 2 * NewStreamsPerMinute;
        PublishesPerSecond ??= development ? Unlimited : 100;
        PublishKilobytesPerSecond ??= development ? Unlimited : 512;
        ConnectionsPerSecond ??= development ? Unlimited : 100;
        ConnectionsPerAddress ??= development ? Unlimited : 5_000;
        RequestsPerSecond ??= development ? Unlimited : 50;
        ReadPercent ??= development ? Unlimited : 12;
    }
}

/// <summary>Applies the limits that Kestrel and the streams enforce.</summary>
internal sealed class EnvironmentLimits(IOptions<LimitOptions> limits, IHostEnvironment environment)
    : IConfigureOptions<KestrelServerOptions>,
        IPostConfigureOptions<SseOptions>,
        IConfigureOptions<AdmissionOptions>
{
    public void Configure(KestrelServerOptions options)
    {
        options.Limits.MaxRequestBodySize = limits.Value.MaxBodyBytes;
        options.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(limits.Value.KeepAliveSeconds);
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(limits.Value.HeaderSeconds);
        options.Limits.MinRequestBodyDataRate = new MinDataRate(
            limits.Value.MinBodyBytesPerSecond,
            TimeSpan.FromSeconds(limits.Value.BodyGraceSeconds)
        );
    }

    public void Configure(AdmissionOptions options)
    {
        options.ReadPercent = limits.Value.ReadPercent is < LimitOptions.Unlimited and var percent ? percent : null;
        options.KilobytesPerSecond = limits.Value.PublishKilobytesPerSecond is < LimitOptions.Unlimited and var rate
            ? rate
            : null;
        options.SparePercent = limits.Value.SparePercent;
        options.HeldBytes = limits.Value.HeldMegabytes * 1024L * 1024;
    }

    public void PostConfigure(string? name, SseOptions options)
    {
        options.MaxConnectionsPerClient ??= environment.IsDevelopment() ? 0 : 100;
    }
}
