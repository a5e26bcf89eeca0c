using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Streaming;

namespace StreamApi.Security.Limits;

/// <summary>
/// How much one user, or else one address, may ask; section <c>Limits</c>. Where nothing is said: the figures here, and
/// in
/// Development as good as none, so that load tests measure the server and not its limits.
/// </summary>
internal sealed class LimitOptions
{
    /// <summary>No limit is kept from here on.</summary>
    public const int Unlimited = 1_000_000;

    /// <summary>New streams in any minute. Who comes back with a last id is not counted.</summary>
    [Range(1, Unlimited)]
    public int? NewStreamsPerMinute { get; set; }

    /// <summary>Streams resumed in any minute; beyond that a client is told in-band to come back, for 429 would stop a
    /// browser for good.</summary>
    [Range(1, Unlimited)]
    public int? ResumesPerMinute { get; set; }

    /// <summary>Requests that publish or change something, a second; twice as many at once.</summary>
    [Range(1, Unlimited)]
    public int? PublishesPerSecond { get; set; }

    /// <summary>
    /// Kilobytes of events that one client may publish a second on this replica, an event counting as one at least.
    /// What goes beyond waits, up to ten
    /// seconds' worth.
    /// </summary>
    [Range(16, Unlimited)]
    public int? PublishKilobytesPerSecond { get; set; }

    /// <summary>Requests that make a model work, in any minute.</summary>
    [Range(1, Unlimited)]
    public int? GenerationsPerMinute { get; set; }

    /// <summary>
    /// Connections that one address may open a second on this replica, and at once; of the next each waits its turn,
    /// and those that would wait longer than
    /// ten seconds are closed. Proxies (<c>Security:Proxies</c>) may open any number.
    /// </summary>
    [Range(1, Unlimited)]
    public int? ConnectionsPerSecond { get; set; }

    /// <summary>
    /// Requests a second on this replica that none of the limits above counts, those without a valid credential and
    /// those for what is not there too; twice as
    /// many at once.
    /// </summary>
    [Range(1, Unlimited)]
    public int? RequestsPerSecond { get; set; }

    /// <summary>
    /// Percent of this replica's processors that reads of history and of topic lists may keep busy on average, counted
    /// by the time that they take; more of them wait.
    /// </summary>
    [Range(1, Unlimited)]
    public int? ReadPercent { get; set; }

    /// <summary>Milliseconds that a request waits for the count over all replicas; then this replica's own
    /// decides.</summary>
    [Range(10, 60_000)]
    public int RedisMilliseconds { get; set; } = 500;

    /// <summary>Most bytes of a request's body where its endpoint says nothing else.</summary>
    [Range(1_024, 1 << 30)]
    public int MaxBodyBytes { get; set; } = 1024 * 1024;

    /// <summary>
    /// Megabytes of bodies and pages that this replica holds for one client at once: a body from its first byte until
    /// it is
    /// answered, a page of history until it is read. Each request counts as 16 kB at least.
    /// </summary>
    [Range(1, Unlimited)]
    public int? HeldMegabytesPerClient { get; set; }

    /// <summary>Megabytes of those for all clients; a request that holds at most 64 kB is let in beyond it.</summary>
    [Range(1, Unlimited)]
    public int HeldMegabytes { get; set; } = 256;

    /// <summary>Bytes a second at which an answer that is no stream must be read, after <see
    /// cref="ResponseGraceSeconds"/>; else it is cut off.</summary>
    [Range(1, 1_000_000)]
    public int MinResponseBytesPerSecond { get; set; } = 4_096;

    /// <summary>See <see cref="MinResponseBytesPerSecond"/>.</summary>
    [Range(2, 600)]
    public int ResponseGraceSeconds { get; set; } = 10;

    /// <summary>Seconds until a request's headers must be there.</summary>
    [Range(1, 600)]
    public int HeaderSeconds { get; set; } = 10;

    /// <summary>Bytes a second that a body must come with, after <see cref="BodyGraceSeconds"/>.</summary>
    [Range(1, 1_000_000)]
    public int MinBodyBytesPerSecond { get; set; } = 240;

    /// <summary>See <see cref="MinBodyBytesPerSecond"/>.</summary>
    [Range(2, 600)]
    public int BodyGraceSeconds { get; set; } = 5;

    /// <summary>What an environment has where the configuration says nothing.</summary>
    public void Complete(bool development)
    {
        NewStreamsPerMinute ??= development ? Unlimited : 10;
        ResumesPerMinute ??= development ? Unlimited : 120;
        PublishesPerSecond ??= development ? Unlimited : 100;
        PublishKilobytesPerSecond ??= development ? Unlimited : 512;
        GenerationsPerMinute ??= development ? Unlimited : 20;
        HeldMegabytesPerClient ??= development ? Unlimited : 32;
        ConnectionsPerSecond ??= development ? Unlimited : 100;
        RequestsPerSecond ??= development ? Unlimited : 50;
        ReadPercent ??= development ? Unlimited : 12;
    }
}

/// <summary>Limits that Kestrel and the streams keep.</summary>
internal sealed class EnvironmentLimits(IOptions<LimitOptions> limits, IHostEnvironment environment)
    : IConfigureOptions<KestrelServerOptions>,
        IPostConfigureOptions<StreamingOptions>
{
    public void Configure(KestrelServerOptions options)
    {
        options.Limits.MaxRequestBodySize = limits.Value.MaxBodyBytes;
        options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(limits.Value.HeaderSeconds);
        options.Limits.MinRequestBodyDataRate = new MinDataRate(
            limits.Value.MinBodyBytesPerSecond,
            TimeSpan.FromSeconds(limits.Value.BodyGraceSeconds)
        );
    }

    public void PostConfigure(string? name, StreamingOptions options) =>
        options.MaxConnectionsPerClient ??= environment.IsDevelopment() ? 0 : 100;
}
