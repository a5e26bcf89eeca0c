using System.Globalization;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;

namespace StreamApi.Security.Limits;

/// <summary>
/// Keeps the process below its file descriptor limit, because .NET terminates when it runs out of descriptors. Kestrel
/// closes surplus connections before that.
/// </summary>
internal sealed class DescriptorLimit(
    IOptions<SseOptions> streaming,
    IOptions<AdmissionOptions> admission,
    ConnectionRateLimit rate,
    ILogger<DescriptorLimit> logger
) : IConfigureOptions<KestrelServerOptions>
{
    /// <summary>Descriptors reserved for stores, files, replicas and requests that are not streams.</summary>
    private const long Reserve = 512;

    /// <summary>
    /// Maximum waiting connections (<see cref="ConnectionRateLimit"/>): at most an eighth of all descriptors.
    /// </summary>
    public static int MaxWaiting { get; } = (int)Math.Clamp((SoftLimit() - Reserve) / 8 ?? long.MaxValue, 1, 4_096);

    public void Configure(KestrelServerOptions options)
    {
        if (SoftLimit() is not { } limit)
            return;

        var outgoing = admission.Value.OutgoingConnections;
        var room = limit - Reserve - outgoing - (rate.IsEnabled ? MaxWaiting : 0);
        if (room <= 0)
            throw new InvalidOperationException(
                $"The limit of open files is {limit}, too low for streams beside {outgoing} requests to models "
                    + "(AspireSse:Llm:Providers:<name>:MaxConcurrent). Raise it with ulimit -n 65536, or with "
                    + "LimitNOFILE= of the service."
            );

        if (streaming.Value.MaxConnections > room)
            logger.LogInformation(
                "AspireSse:Streaming:MaxConnections is {Wanted}, but the limit of open files ({Limit}) leaves room for "
                    + "{Room}; surplus connections are closed. Raise it with ulimit -n, or with LimitNOFILE= of the "
                    + "service.",
                streaming.Value.MaxConnections,
                limit,
                room
            );

        options.Limits.MaxConcurrentConnections = room;
    }

    /// <summary>
    /// Reads RLIMIT_NOFILE of this process from /proc (.NET raises the soft limit to the hard one). Null on other
    /// systems or if unlimited.
    /// </summary>
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
