using System.Globalization;
using System.Net.ServerSentEvents;
using System.Numerics;

namespace StreamApi.Seeds.Basics;

internal sealed record Item(string Name, decimal Price);

/// <summary>The fixed lists that <c>/items/stream</c> and <c>/logs/stream</c> send, with the ordinals from 1 as
/// ids.</summary>
internal static class Lists
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(5);

    private static readonly Item[] Items =
    [
        new("Plumbus", 32.99m),
        new("Portal Gun", 999.99m),
        new("Meeseeks Box", 49.99m),
    ];

    private static readonly string[] Logs =
    [
        "2025-01-01 INFO  Application started",
        "2025-01-01 DEBUG Connected to database",
        "2025-01-01 WARN  High memory usage detected",
    ];

    public static IResult StreamItems(HttpRequest request)
    {
        const string Type = "item_update";
        var isNamed = request.Query.Flag("named") ?? true;
        return Stream(
            request,
            [
                .. Items.Select(item =>
                    isNamed
                        ? new SseItem<object?>(item, Type) { ReconnectionInterval = Retry }
                        : new SseItem<object?>(
                            new
                            {
                                type = Type,
                                item.Name,
                                item.Price,
                            }
                        )
                        {
                            ReconnectionInterval = Retry,
                        }
                ),
            ],
            Retry,
            "stream of item updates"
        );
    }

    /// <summary>Sends raw text, because a log line is not JSON.</summary>
    public static IResult StreamLogs(HttpRequest request)
    {
        var type = request.Query.Flag("named") == true ? "log" : null;
        return Stream(request, [.. Logs.Select(line => new SseItem<object?>(line, type))]);
    }

    /// <summary>Resumes after the ordinal in <c>Last-Event-ID</c>. A client that has the last item gets 204, which
    /// stops a browser.</summary>
    private static IResult Stream(
        HttpRequest request,
        SseItem<object?>[] items,
        TimeSpan? retry = null,
        string? comment = null
    )
    {
        var last = request.GetLastEventId();
        var isMalformed =
            !BigInteger.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal)
            && last is not null;
        return ordinal >= items.Length
            ? TypedResults.NoContent()
            : TypedResults.EventStream(
                After((int)ordinal, items, isMalformed ? last : null).ToAsyncEnumerable(),
                retry,
                comment
            );
    }

    private static IEnumerable<SseItem<object?>> After(int ordinal, SseItem<object?>[] items, string? malformed)
    {
        yield return new SseItem<object?>(new { type = "begin" }, "begin") { EventId = Id(ordinal) };

        if (malformed is not null)
            yield return new SseItem<object?>(
                new
                {
                    reason = "malformed",
                    requested = malformed,
                    resumedFrom = Id(0),
                },
                "resync"
            )
            {
                EventId = Id(0),
            };

        for (var i = ordinal; i < items.Length; i++)
            yield return new SseItem<object?>(items[i].Data, items[i].EventType)
            {
                EventId = Id(i + 1),
                ReconnectionInterval = items[i].ReconnectionInterval,
            };
    }

    private static string Id(int ordinal) => ordinal.ToString(CultureInfo.InvariantCulture);
}
