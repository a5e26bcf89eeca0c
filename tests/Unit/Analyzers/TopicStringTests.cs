using Analyzers;

namespace Unit.Analyzers;

/// <summary>The compiler warns of a string that becomes a topic without a check of its tokens, and of nothing
/// else.</summary>
public sealed class TopicStringTests
{
    private const string Unchecked = TopicStringAnalyzer.UncheckedId,
        NoTopic = TopicStringAnalyzer.NoTopicId;

    [Theory]
    [InlineData("""var topic = $"orders.{id}.paid"; return TypedResults.EventStream(topic);""", "topic")]
    [InlineData("""return TypedResults.EventStream(Named(id));""", "Named(id)")]
    [InlineData("""return TypedResults.EventStream("orders." + id);""", "\"orders.\" + id")]
    [InlineData(
        """return TypedResults.EventStream(string.Format("orders.{0}", id));""",
        "string.Format(\"orders.{0}\", id)"
    )]
    [InlineData("""return TypedResults.EventStream((string)$"orders.{id}");""", "(string)$\"orders.{id}\"")]
    [InlineData("""return TypedResults.EventStream(id);""", "id")]
    [InlineData("""return TypedResults.EventStream(Field);""", "Field")]
    [InlineData("""return TypedResults.EventStream(flag ? "orders.paid" : id);""", "id")]
    [InlineData("""return TypedResults.EventStream(flag switch { true => id, _ => "orders.paid" });""", "id")]
    [InlineData("""return TypedResults.EventStream([$"orders.{id}", id]);""", "id")]
    [InlineData("""return TypedResults.EventStream([.. ids]);""", "ids")]
    [InlineData("""EventTopic topic = id; return topic;""", "id")]
    [InlineData("""EventTopic? topic = id; return topic;""", "id")]
    [InlineData("""return ids.Select<string, EventTopic>(one => one);""", "one")]
    [InlineData("""return log.AppendAsync(id, "paid", 1);""", "id")]
    [InlineData("""return NewEvent.Of(topic: id, "paid", 1);""", "id")]
    [InlineData("""return new EventFilter([id]);""", "id")]
    [InlineData("""return (EventTopic)("orders." + id);""", "\"orders.\" + id")]
    [InlineData("""return EventTopic.Pattern("orders." + id + ".>");""", "\"orders.\" + id + \".>\"")]
    [InlineData("""var topic = $"orders.{id}.>"; return EventTopic.Pattern(topic);""", "topic")]
    [InlineData("""return EventTopic.Pattern(id);""", "id")]
    [InlineData("""return EventTopic.Pattern(Named(id));""", "Named(id)")]
    [InlineData("""string late; late = $"orders.{id}.>"; return EventTopic.Pattern(late);""", "late")]
    [InlineData("""return EventTopic.Pattern("orders.x.>".Replace("x", id));""", "\"orders.x.>\".Replace(\"x\", id)")]
    [InlineData("""return EventTopic.Pattern(flag ? "orders.>" : id);""", "id")]
    [InlineData("""return ids.Select(EventTopic.Pattern);""", "EventTopic.Pattern")]
    [InlineData("""foreach (EventTopic topic in ids) return topic; return id;""", "ids")]
    [InlineData("""EventTopic topic; (topic, var n) = (id, 1); return (topic, n);""", "id")]
    [InlineData("""EventTopic topic; var pair = (id, 1); (topic, var n) = pair; return (topic, n);""", "pair")]
    [InlineData("""EventTopic topic; int n; var one = ((id, 1), 2); ((topic, n), _) = one; return topic;""", "one")]
    [InlineData("""(EventTopic, int) topic = (id, 1); return topic;""", "id")]
    [InlineData("""var pair = (id, 1); (EventTopic, int) topic = pair; return topic;""", "pair")]
    [InlineData(
        """foreach ((EventTopic topic, int n) in ids.Select(i => (i, 1))) return topic; return id;""",
        "ids.Select(i => (i, 1))"
    )]
    [InlineData("""return new NewEvent(id, "paid", "1");""", "id")]
    [InlineData("""return new NewEvent(Named(id), "paid", "1");""", "Named(id)")]
    [InlineData("""NewEvent made = new(topic: "orders." + id, "paid", "1"); return made;""", "\"orders.\" + id")]
    public async Task A_string_of_values_that_becomes_a_topic_is_reported(string body, string text)
    {
        using var code = new AnalyzedCode(body);
        Assert.Equal([(Unchecked, text)], await code.FoundAsync());
    }

    [Theory]
    [InlineData("""return TypedResults.EventStream("orders.>");""", "\"orders.>\"")]
    [InlineData("""return TypedResults.EventStream(All);""", "All")]
    [InlineData("""const string topic = $"{Kind}.>"; return TypedResults.EventStream(topic);""", "topic")]
    [InlineData("""return TypedResults.EventStream(["orders.paid", "orders.*"]);""", "\"orders.*\"")]
    [InlineData("""return (EventTopic)"orders.>";""", "\"orders.>\"")]
    [InlineData("""return log.ReadAsync(new() { Filter = new EventFilter(["orders.*"]) });""", "\"orders.*\"")]
    [InlineData("""return TypedResults.EventStream("orders..paid");""", "\"orders..paid\"")]
    public async Task A_constant_that_is_no_topic_is_reported(string body, string text)
    {
        using var code = new AnalyzedCode(body);
        Assert.Equal([(NoTopic, text)], await code.FoundAsync());
    }

    [Theory]
    [InlineData("""return TypedResults.EventStream($"orders.{id}.>");""")]
    [InlineData("""return TypedResults.EventStream([$"orders.{id}.>", "orders.paid"]);""")]
    [InlineData("""return TypedResults.EventStream($"orders.>");""")]
    [InlineData("""return TypedResults.EventStream("orders.paid");""")]
    [InlineData("""return TypedResults.EventStream(Kind);""")]
    [InlineData("""return TypedResults.EventStream(Kind + ".paid");""")]
    [InlineData("""return TypedResults.EventStream(flag ? "orders.paid" : "orders.shipped");""")]
    [InlineData("""return TypedResults.EventStream(EventTopic.Pattern("orders.>"));""")]
    [InlineData("""return TypedResults.EventStream(EventTopic.Pattern($"orders.{id}.>"));""")]
    [InlineData("""return TypedResults.EventStream((EventTopic)id);""")]
    [InlineData("""return EventTopic.Pattern(flag ? "orders.>" : "orders.*");""")]
    [InlineData("""return new NewEvent($"orders.{id}.paid", "paid", "1");""")]
    [InlineData("""return new NewEvent("orders.paid", "paid", "1") with { Key = id };""")]
    [InlineData("""return ids.Select(one => EventTopic.Pattern($"orders.{one}.>"));""")]
    [InlineData("""foreach (var topic in new EventTopic[] { "orders.paid" }) return topic; return id;""")]
    [InlineData("""EventTopic topic = $"orders.{id}.{Guid.Empty:N}"; return TypedResults.EventStream(topic);""")]
    [InlineData("""return ids.Select(EventTopic (one) => $"orders.{one}");""")]
    [InlineData("""return log.AppendAsync($"orders.{id}.paid", "paid", id + Named(id), key: $"{id}");""")]
    public async Task What_is_checked_or_constant_or_asked_for_is_not_reported(string body)
    {
        using var code = new AnalyzedCode(body);
        Assert.Empty(await code.FoundAsync());
    }

    [Theory]
    [InlineData(
        """
            var topic = $"orders.{id}.paid";
            return TypedResults.EventStream(topic);
            """,
        """return TypedResults.EventStream($"orders.{id}.paid");"""
    )]
    [InlineData(
        """
            var topic = $"orders.{id}.paid";
            Console.WriteLine(topic);
            return TypedResults.EventStream(topic);
            """,
        """
            var topic = $"orders.{id}.paid";
            Console.WriteLine(topic);
            return TypedResults.EventStream($"orders.{id}.paid");
            """
    )]
    [InlineData(
        """return TypedResults.EventStream((string)$"orders.{id}");""",
        """return TypedResults.EventStream($"orders.{id}");"""
    )]
    [InlineData(
        """return TypedResults.EventStream([id.Length + "{x}." + id]);""",
        """return TypedResults.EventStream([$"{id.Length}{{x}}.{id}"]);"""
    )]
    [InlineData(
        """return EventTopic.Pattern("orders." + id + ".>");""",
        """return EventTopic.Pattern($"orders.{id}.>");"""
    )]
    public async Task A_fix_gives_the_interpolated_string_itself(string body, string expected)
    {
        using var code = new AnalyzedCode(body);
        Assert.Equal([TopicStringFix.Inline], await code.TitlesAsync());
        Assert.Equal(expected, await code.FixedAsync(TopicStringFix.Inline));
    }

    [Theory]
    [InlineData(
        """return TypedResults.EventStream("orders.>");""",
        """return TypedResults.EventStream(EventTopic.Pattern("orders.>"));"""
    )]
    [InlineData("""return new EventFilter([All]);""", """return new EventFilter([EventTopic.Pattern(All)]);""")]
    public async Task A_fix_asks_for_a_pattern(string body, string expected)
    {
        using var code = new AnalyzedCode(body);
        Assert.Equal(expected, await code.FixedAsync(TopicStringFix.Ask));
    }
}
