using EventStore;
using Microsoft.Extensions.Options;

namespace Benchmarks.Slots;

/// <summary>
/// Computes, with the relay's own division and format, the bytes into each of many replicas whose readers choose their
/// topics by Zipf's law, beside those that their readers need. Seeded; takes seconds.
/// </summary>
internal static class SlotSimulation
{
    private const int Pages = 200,
        EventsPerPage = 500;

    /// <summary>Bytes that a signature adds to a message.</summary>
    public const int SignatureBytes = 33;

    /// <summary>The most bytes of bodies that a replica may receive, × those that its readers need, with as many slots
    /// as by default.</summary>
    public const double MostRatio = 1.05;

    /// <returns>False if a replica receives more than it may.</returns>
    public static bool Run()
    {
        var isWithin = true;
        Console.WriteLine("### Simulated: bytes of bodies into a replica ÷ bytes that its readers need\n");
        Console.WriteLine(
            "| replicas | topics | topics read on a replica | slots | mean | worst | index, bytes/page |"
        );
        Console.WriteLine("|---|---|---|---|---|---|---|");
        foreach (var (replicas, topics, read) in ((int, int, int)[])[(4, 200, 10), (50, 200, 10), (50, 2_000, 50)])
        foreach (var slots in (int[])[256, 1_024, 4_096])
        {
            var (mean, worst, index) = Run(replicas, topics, read, slots);
            isWithin &= slots < new EventStoreOptions().Slots || worst <= MostRatio;
            Console.WriteLine(
                $"| {replicas} | {topics:N0} | {read} | {slots:N0} | {mean:F3} | {worst:F3} | {index:F0} |"
            );
        }
        return isWithin;
    }

    /// <summary>Returns the ratios of one case, and the bytes of a page's index.</summary>
    public static (double Mean, double Worst, double Index) Run(int replicas, int topics, int read, int slots)
    {
        var division = new TopicSlots(Options.Create(new EventStoreOptions { Slots = slots }));
        var format = new RelayFormat(division);
        var readers = new ZipfTopics(topics, seed: 1);
        var needed = Enumerable
            .Range(0, replicas)
            .Select(_ => readers.Distinct(read).ToHashSet(StringComparer.Ordinal))
            .ToArray();
        var subscribed = needed.Select(division.NeededBy).ToArray();
        var (received, needs, indexes) = (new double[replicas], new double[replicas], 0L);
        var published = new ZipfTopics(topics, seed: 7);
        var channel = new EventStoreOptions().Channel;
        for (var n = 0; n < Pages; n++)
        {
            var page = new RelayPage("0a8e738155", 1, n * EventsPerPage, (n + 1) * EventsPerPage);
            var bodies = Enumerable
                .Range(1, EventsPerPage)
                .Select(i => Event(page.Previous + i, published.Next()))
                .GroupBy(e => division.Of(e.Topic))
                .ToDictionary(g => g.Key, g => g.ToList());
            var used = new SlotSet(slots);
            foreach (var (slot, events) in bodies)
            {
                used.Add(slot);
                var whole = Bytes(new SlotBody(page, slot, events, null), RelayChannels.Slot(channel, slot));
                for (var r = 0; r < replicas; r++)
                {
                    if (!subscribed[r].Contains(slot))
                        continue;
                    received[r] += whole;
                    var own = events.FindAll(e => needed[r].Contains(e.Topic));
                    if (own.Count > 0)
                        needs[r] += Bytes(new SlotBody(page, slot, own, null), RelayChannels.Slot(channel, slot));
                }
            }
            indexes += Bytes(new PageIndex(page, long.MaxValue, used), RelayChannels.Pages(channel));
        }
        var ratios = received.Zip(needs, (all, own) => all / own).ToArray();
        return (ratios.Average(), ratios.Max(), (double)indexes / Pages);

        int Bytes(RelayMessage message, string name) =>
            RelayTap.Framed(name, format.ToBytes(message).Length + SignatureBytes);
    }

    private static EventRecord Event(long position, string topic) =>
        new(
            position,
            Guid.NewGuid(),
            topic,
            "n",
            null,
            System.Text.Encoding.UTF8.GetBytes($$"""{"padding":"{{new string('x', 86)}}"}"""),
            DateTimeOffset.UnixEpoch,
            null
        );
}
