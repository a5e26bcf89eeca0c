using System.Diagnostics.Metrics;
using Harness;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Streaming.Metrics;

namespace Core;

internal static class UnreadMetrics
{
    /// <summary>Metrics for models and rigs that do not look at them.</summary>
    public static StreamingMetrics Shared { get; } =
        new(
            new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>(),
            Options.Create(new SseOptions { Writers = 1 }),
            new ManualTime(),
            NullLogger<StreamingMetrics>.Instance
        );
}
