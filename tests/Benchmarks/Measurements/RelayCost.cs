using System.Diagnostics;
using System.Text;
using EventStore;
using Microsoft.Extensions.Options;
using Streaming.Fanout;
using Streaming.Frames;

namespace Benchmarks.Measurements;

/// <summary>Measures what an event from Redis costs a replica, from the signed bytes to the filter rings
/// (<c>-- relay</c>).</summary>
internal static class RelayCost
{
    /// <summary>Goals for pages of 500 events: µs for an event that is dropped unread, and for one read in
    /// vain.</summary>
    private const double MostDropped = 1,
        MostInVain = 3;

    private static readonly TimeSpan Time = TimeSpan.FromSeconds(1);

    /// <returns>False if a goal is missed.</returns>
    public static bool Run()
    {
        Console.WriteLine("| pages of | no reader of the first token | read in vain | one reader |");
        Console.WriteLine("|---|---|---|---|");
        var isMet = true;
        foreach (var events in (int[])[500, 10, 1])
        {
            var dropped = Measure(events, reader: "other.>");
            var inVain = Measure(events, reader: "orders.never");
            var wanted = Measure(events, reader: "orders.7");
            Console.WriteLine($"| {events} | {dropped:F2} µs | {inVain:F2} µs | {wanted:F2} µs |");
            if (events == 500)
                isMet = dropped <= MostDropped && inVain <= MostInVain;
        }

        Console.WriteLine($"Goals, pages of 500: {MostDropped} µs and {MostInVain} µs: {(isMet ? "met" : "missed")}.");
        return isMet;
    }

    /// <summary>Returns the µs an event takes: the best of three rounds.</summary>
    private static double Measure(int events, string reader)
    {
        var secret = new RelaySecret(new byte[32]);
        var messages = Messages(events, secret);
        var best = double.MaxValue;

        for (var round = 0; round < 3; round++)
        {
            var rings = new FilterRingRegistry(Options.Create(new SseOptions()), TimeProvider.System);
            rings.Reset(Lineage.Alone("epoch"), 0);
            rings.Acquire(new StreamFilter([reader], [], [], NamedFormat.Always));

            var start = Stopwatch.GetTimestamp();
            var pages = 0;
            for (; Stopwatch.GetElapsedTime(start) < Time; pages++)
            {
                if (pages % messages.Length == 0)
                    rings.Reset(Lineage.Alone("epoch"), 0);
                Apply(RelayFormat.Parse(secret.Open(messages[pages % messages.Length])!.Value), rings);
            }

            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalMicroseconds / (pages * (long)events));
        }

        return best;
    }

    /// <summary>Applies a page that comes next, as the feed does.</summary>
    private static void Apply(RelayPage page, FilterRingRegistry rings)
    {
        if (!rings.TryLeaveOut(page))
            rings.Publish(page.ReadEvents(), page.Last);
    }

    private static byte[][] Messages(int events, RelaySecret secret)
    {
        var messages = new byte[64][];
        for (var i = 0; i < messages.Length; i++)
        {
            var previous = i * (long)events;
            var page = Enumerable.Range(1, events).Select(n => Event(previous + n)).ToList();
            messages[i] = secret.Sign(
                RelayFormat.ToBytes(new RelayPage("epoch", 1, previous, previous + events, i + 1), page)
            );
        }

        return messages;
    }

    private static EventRecord Event(long position) =>
        new()
        {
            At = new StreamPosition("e", position),
            Id = Guid.NewGuid(),
            Topic = $"orders.{position % 100}",
            Type = "status",
            Data = Encoding.UTF8.GetBytes($$"""{"position":{{position}},"text":"{{new string('x', 160)}}"}"""),
            Time = DateTimeOffset.UtcNow,
        };
}
