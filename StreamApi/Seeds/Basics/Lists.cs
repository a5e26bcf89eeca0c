using System.Text.Json;
using Streaming.Frames;

namespace StreamApi.Seeds.Basics;

internal sealed record Item(string Name, decimal Price);

/// <summary>Lists that <c>/items/stream</c> and <c>/logs/stream</c> send.</summary>
internal static class Lists
{
    public static readonly OrdinalStream Items = new(
        "items",
        "item_update",
        Named: true,
        [
            .. new Item[] { new("Plumbus", 32.99m), new("Portal Gun", 999.99m), new("Meeseeks Box", 49.99m) }.Select(
                item => (ReadOnlyMemory<byte>)JsonSerializer.SerializeToUtf8Bytes(item, ControlFrames.Json)
            ),
        ],
        Comment: "stream of item updates",
        Retry: 5_000
    );

    /// <summary>Raw text, because a log line is not JSON.</summary>
    public static readonly OrdinalStream Logs = new(
        "logs",
        "log",
        Named: false,
        [
            "2025-01-01 INFO  Application started"u8.ToArray(),
            "2025-01-01 DEBUG Connected to database"u8.ToArray(),
            "2025-01-01 WARN  High memory usage detected"u8.ToArray(),
        ]
    );
}
