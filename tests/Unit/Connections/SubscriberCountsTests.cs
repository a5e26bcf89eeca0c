using StreamApi.Connections;

namespace Unit.Connections;

public sealed class SubscriberCountsTests
{
    [Fact]
    public void Streams_are_counted_as_if_each_filter_were_compared_with_each_topic()
    {
        var random = new Random(7);

        string Token(string[] tokens) => tokens[random.Next(tokens.Length)];

        string Name(string[] tokens) =>
            string.Join('.', Enumerable.Range(0, random.Next(1, 4)).Select(_ => Token(tokens)));

        for (var round = 0; round < 200; round++)
        {
            var filters = Enumerable
                .Range(0, random.Next(1, 20))
                .Select(_ =>
                    (
                        Topics: (IReadOnlyList<string>)
                            [
                                .. Enumerable
                                    .Range(0, random.Next(1, 5))
                                    .Select(_ => Name(["a", "b", "*"]) + Token(["", ".>"])),
                                .. random.Next(10) == 0 ? [">"] : Array.Empty<string>(),
                            ],
                        Streams: random.Next(1, 100)
                    )
                )
                .ToList();

            var counts = new SubscriberCounts(filters.SelectMany(f => Enumerable.Repeat(f.Topics, f.Streams)));

            for (var i = 0; i < 20; i++)
            {
                var topic = Name(["a", "b", "c"]);
                Assert.Equal(
                    filters.Where(f => f.Topics.Any(p => TopicPattern.Matches(p, topic))).Sum(f => f.Streams),
                    counts.Of(topic)
                );
            }
        }
    }
}
