using System.Text.RegularExpressions;
using EventStore;
using Streaming.Fanout;
using Streaming.Frames;

namespace Core.Streaming;

public class TopicIndexTests
{
    [Theory]
    [InlineData("orders.42", "orders.42", true)]
    [InlineData("orders.42", "orders.43", false)]
    [InlineData("orders.*", "orders.42", true)]
    [InlineData("orders.*", "orders.42.status", false)]
    [InlineData("orders.*", "orders", false)]
    [InlineData("orders.>", "orders.42.status", true)]
    [InlineData("orders.>", "orders", false)]
    [InlineData("*.42.>", "orders.42.status.x", true)]
    [InlineData(">", "anything.at.all", true)]
    [InlineData("*", "one", true)]
    [InlineData("*", "one.two", false)]
    public void A_star_is_one_token_and_a_greater_than_sign_the_rest(string pattern, string topic, bool matches) =>
        Assert.Equal(matches, TopicPattern.Matches(pattern, topic));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a..b")]
    [InlineData("a.")]
    [InlineData(".a")]
    [InlineData("a b")]
    [InlineData("a.>.b")]
    [InlineData("a.b*")]
    [InlineData("$sys.x")]
    [InlineData("日本")]
    public void An_invalid_topic_is_refused(string text) => Assert.False(TopicPattern.IsTopicOrPattern(text));

    [Fact]
    public void Topics_are_at_most_256_characters()
    {
        Assert.True(TopicPattern.IsTopic(new string('a', 256)));
        Assert.False(TopicPattern.IsTopic(new string('a', 257)));
    }

    [Fact]
    public void Index_pattern_and_regular_expression_agree_on_every_topic()
    {
        var random = new Random(20261120);
        string[] tokens = ["a", "b", "c", "*"];
        var rings = Enumerable
            .Range(0, 200)
            .Select(_ => Tokens(random, tokens) + (random.Next(4) == 0 ? ".>" : ""))
            .Append(">")
            .Distinct()
            .Select(p => RingOf(p))
            .ToList();
        var index = new TopicIndex();
        foreach (var ring in rings)
            index.Add(ring);

        foreach (var removed in rings.Where((_, i) => i % 3 == 0).ToList())
        {
            index.Remove(new HashSet<FilterRing> { removed });
            rings.Remove(removed);
        }

        // In the places of those that have left.
        foreach (var added in Enumerable.Range(0, 20).Select(_ => RingOf(Tokens(random, tokens) + ".*.*")).ToList())
        {
            index.Add(added);
            rings.Add(added);
        }

        for (var i = 0; i < 500; i++)
        {
            var topic = Tokens(random, tokens[..3]);
            var found = new List<FilterRing>();
            index.Match(topic, found);

            string Pattern(FilterRing ring) => ring.Filter.Events.Topics[0];

            Assert.Equal(
                rings.Where(r => TopicPattern.Matches(Pattern(r), topic)).Select(Pattern).Order(StringComparer.Ordinal),
                found.Select(Pattern).Order(StringComparer.Ordinal)
            );
            Assert.Equal(found.Count, rings.Count(r => Regex.IsMatch(topic, Expression(Pattern(r)))));

            foreach (var ring in rings)
                Assert.Equal(found.Contains(ring), new TopicPatternSet([Pattern(ring)]).Matches(topic));
        }
    }

    [Fact]
    public void An_index_that_all_have_left_is_empty_again()
    {
        var index = new TopicIndex();
        var rings = new[] { "a.b.c", "a.*.c", "*.*.c", "a.*.*.>", "a.>", ">" }.Select(p => RingOf(p)).ToList();
        foreach (var ring in rings)
            index.Add(ring);

        index.Remove(rings.ToHashSet());
        var found = new List<FilterRing>();
        index.Match("a.b.c", found);
        Assert.Empty(found);
        Assert.True(index.IsEmpty);
    }

    [Fact]
    public void The_cost_of_a_lookup_does_not_depend_on_the_wildcards()
    {
        var random = new Random(20261122);
        const int Clients = 100,
            Patterns = 100,
            Depth = 31;
        var index = new TopicIndex();
        for (var client = 0; client < Clients; client++)
            index.Add(RingOf([.. Enumerable.Range(0, Patterns).Select(_ => Branching(random, Depth) + ".never")]));

        var topic = string.Join('.', Enumerable.Repeat("a", Depth)) + ".b";
        var found = new List<FilterRing>();
        index.Match(topic, found);
        Assert.Empty(found);
        Assert.InRange(index.Examined, 1, 2 * (Depth + 1) * (Clients * Patterns / 64 + 1));
    }

    private static string Branching(Random random, int depth) =>
        string.Join('.', Enumerable.Range(0, depth).Select(_ => random.Next(2) == 0 ? "a" : "*"));

    private static FilterRing RingOf(params string[] patterns) =>
        new(new StreamFilter(patterns, [], [], NamedFormat.Always), 16, 1_000);

    private static string Expression(string pattern) =>
        "^"
        + string.Join(
            @"\.",
            pattern
                .Split('.')
                .Select(t =>
                    t switch
                    {
                        "*" => "[^.]+",
                        ">" => ".+",
                        _ => t,
                    }
                )
        )
        + "$";

    private static string Tokens(Random random, string[] from) =>
        string.Join('.', Enumerable.Range(0, random.Next(1, 5)).Select(_ => from[random.Next(from.Length)]));
}
