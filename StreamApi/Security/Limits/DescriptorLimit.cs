using System.Globalization;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using Streaming;

namespace StreamApi.Security.Limits;

/// <summary>
/// Keeps the process away from its descriptor limit, where .NET dies instead of failing: Kestrel closes surplus
/// connections before, and a
/// maximum of streams that the limit cannot hold is refused at start with the way out.
/// </summary>
internal sealed class DescriptorLimit(
    IOptions<StreamingOptions> streaming,
    ConnectionRateLimit pace,
    ILogger<DescriptorLimit> logger
) : IConfigureOptions<KestrelServerOptions>
{
    /// <summary>For stores, files, other services and requests beside the streams.</summary>
    private const long Reserve = 512;

    /// <summary>Descriptors of connections that wait for their turn; no more than an eighth of all.</summary>
    public static int Waiting { get; } = (int)Math.Clamp((SoftLimit() - Reserve) / 8 ?? long.MaxValue, 1, 4_096);

    public void Configure(KestrelServerOptions options)
    {
        if (SoftLimit() is not { } limit)
            return;
        var room = limit - Reserve - (pace.IsKept ? Waiting : 0);
        if (room <= 0)
            throw new InvalidOperationException(
                $"The limit of open files is {limit}; streams need more. Raise it: ulimit -n 65536, or LimitNOFILE= of the service."
            );
        if (streaming.Value.MaxConnections > room)
            logger.LogInformation(
                "Streaming:MaxConnections is {Wanted}, but the limit of open files ({Limit}) leaves room for {Room}; surplus connections are closed. Raise it with ulimit -n, or LimitNOFILE= of the service.",
                streaming.Value.MaxConnections,
                limit,
                room
            );
        options.Limits.MaxConcurrentConnections = room;
    }

    /// <summary>RLIMIT_NOFILE of this process, as /proc tells it (.NET raises the soft limit to the hard one); null
    /// elsewhere or where unlimited.</summary>
    private static long? SoftLimit()
    {
        const string file = "/proc/self/limits";
        if (!OperatingSystem.IsLinux() || !File.Exists(file))
            return null;
        var line = File.ReadLines(file).FirstOrDefault(l => l.StartsWith("Max open files", StringComparison.Ordinal));
        return long.TryParse(
            line?.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3],
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var limit
        )
            ? limit
            : null;
    }
}
