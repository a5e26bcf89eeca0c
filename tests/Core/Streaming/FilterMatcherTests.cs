using Streaming.Fanout;
using Streaming.Frames;

namespace Core.Streaming;

public sealed class FilterMatcherTests
{
    /// <summary>Otherwise a client's events could cost patterns times types times streams.</summary>
    [Theory]
    [InlineData("x", 3)]
    [InlineData("y", 0)]
    public void The_types_and_keys_of_a_filter_are_compared_once_however_many_of_its_patterns_match(
        string type,
        int matches
    )
    {
        var matcher = new FilterMatcher();
        string[] patterns = ["a.b.c", "a.b.*", "a.*.c", "*.b.c", "*.*.c", "*.*.*", "a.b.>", "a.>", ">"];
        FilterRing[] rings =
        [
            .. ((string[])["1", "2", "3"]).Select(n => new FilterRing(
                new StreamFilter([.. patterns, n], ["x"], [], NamedFormat.Always),
                8,
                1_000
            )),
        ];
        foreach (var ring in rings)
            matcher.Index.Add(ring);

        var record = new EventRecord
        {
            At = new StreamPosition("e", 1),
            Id = Guid.Empty,
            Topic = "a.b.c",
            Type = type,
            Data = "1"u8.ToArray(),
            Time = DateTimeOffset.UnixEpoch,
        };

        for (var n = 1; n <= 2; n++)
        {
            Assert.Equal(rings.Take(matches), matcher.Match(record).ToArray());
            Assert.Equal(3 * n, matcher.Examined);
        }
    }
}
