using System.Diagnostics;
using Streaming.Fanout;
using Streaming.Frames;

namespace Benchmarks.Measurements;

/// <summary>Measures what finding the filters of an event costs (<c>-- match</c>).</summary>
internal static class MatchCost
{
    private const int Depth = 31;

    private static readonly TimeSpan Time = TimeSpan.FromSeconds(1);

    public static void Run()
    {
        var random = new Random(20261122);
        Measure(
            "20,000 filters, `user.N.>` and `broadcast.>`",
            20_000,
            n => [$"user.{n}.>", "broadcast.>"],
            "user.7.a"
        );
        Measure("20,000 filters, `room.N.*`", 20_000, n => [$"room.{n}.*"], "room.7.a");
        Measure("20,000 filters, `*.room.*.N`", 20_000, n => [$"*.room.*.{n}"], "a.room.b.7");
        Measure("100 filters of 100 patterns of 32 tokens `a` or `*`", 100, n => Branching(n, random, 100), Deep("b"));
        Measure("the same, with a match", 100, n => Branching(n, random, 100), Deep("never7"));
        Measure("one such filter", 1, n => Branching(n, random, 100), Deep("b"));
    }

    private static void Measure(string name, int filters, Func<int, string[]> patterns, string topic)
    {
        var index = new TopicIndex();
        var found = new List<FilterRing>();

        for (var n = 0; n < filters; n++)
            index.Add(new FilterRing(new StreamFilter(patterns(n), [], [], NamedFormat.Always), 0, 0));

        var best = double.MaxValue;

        for (var round = 0; round < 3; round++)
        {
            var start = Stopwatch.GetTimestamp();
            var looked = 0;
            for (; Stopwatch.GetElapsedTime(start) < Time; looked++)
            {
                found.Clear();
                index.Match(topic, found);
            }

            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalMicroseconds / looked);
        }

        Console.WriteLine($"| {name} | {best:G3} µs | {found.Count} found |");
    }

    private static string[] Branching(int filter, Random random, int count) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(_ => string.Join('.', Enumerable.Range(0, Depth).Select(_ => random.Next(2) == 0 ? "a" : "*")))
                .Select(pattern => $"{pattern}.never{filter}"),
        ];

    private static string Deep(string last) => string.Join('.', Enumerable.Repeat("a", Depth)) + "." + last;
}
