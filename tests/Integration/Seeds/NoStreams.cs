using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using Streaming.Connections;

namespace Integration.Seeds;

internal static class NoStreams
{
    /// <summary>Creates a registry of a replica without open streams.</summary>
    public static ConnectionRegistry Registry() =>
        new(
            new StreamEndLogger(TimeProvider.System, NullLogger<StreamEndLogger>.Instance),
            new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance)
        );
}
