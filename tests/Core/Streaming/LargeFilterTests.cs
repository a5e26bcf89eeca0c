using Harness;
using Streaming.Fanout;
using Streaming.Frames;

namespace Core.Streaming;

public class LargeFilterTests
{
    [Fact]
    public void A_large_filter_is_forgotten_as_soon_as_its_last_reader_leaves()
    {
        var rings = TestRings.Create(clock: new ManualTime());
        FilterRing Open(int patterns) =>
            rings.Acquire(
                new StreamFilter(
                    [.. Enumerable.Range(0, patterns).Select(n => $"t.{patterns}.{n}.*.*.a")],
                    [],
                    [],
                    NamedFormat.Always
                )
            );

        var (large, small) = (Open(100), Open(5));
        rings.Release(small);
        rings.Sweep();
        Assert.Equal(2, rings.Count);
        rings.Release(large);
        rings.Sweep();
        Assert.Equal(1, rings.Count);
        Assert.Same(small, Open(5));
    }

    [Fact]
    public void Filters_leave_the_index_in_parts_and_completely()
    {
        var index = new TopicIndex();
        var rings = Enumerable
            .Range(0, 300)
            .Select(n => new FilterRing(
                new StreamFilter([.. Enumerable.Range(0, 100).Select(t => $"t.{n}.{t}.a")], [], [], NamedFormat.Always),
                16,
                1_000
            ))
            .ToList();
        foreach (var ring in rings)
            index.Add(ring);

        var parts = TopicIndex.Parts(rings).ToList();
        Assert.All(parts, part => Assert.InRange(part.Sum(ring => ring.Filter.Tokens), 1, 10_000));

        foreach (var part in parts)
            index.Remove(part);

        Assert.True(index.IsEmpty);
    }
}
