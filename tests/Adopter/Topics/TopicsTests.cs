using System.Net;

namespace Adopter.Topics;

/// <summary>A pattern is asked for: nothing that a client sends, by whichever way it becomes a topic, selects more than
/// one token of it.</summary>
public sealed class TopicsTests : IAsyncLifetime
{
    private TopicsApp _app = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _app = await TopicsApp.StartAsync();

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    [Theory]
    [InlineData("variable/*", "EventTopic.Pattern(")]
    [InlineData("variable/%3E", "neither a topic")]
    [InlineData("variable/%20", "neither a topic")]
    [InlineData("helper/*", "EventTopic.Pattern(")]
    [InlineData("sum/*", "EventTopic.Pattern(")]
    [InlineData("cast/*", "EventTopic.Pattern(")]
    [InlineData("listed/*", "EventTopic.Pattern(")]
    [InlineData("each/7,*", "EventTopic.Pattern(")]
    [InlineData("whole/*", "EventTopic.Pattern(")]
    [InlineData("whole/orders.%3E", "EventTopic.Pattern(")]
    [InlineData("missing", "neither a topic")]
    [InlineData("run/*", "EventTopic.Pattern(")]
    [InlineData("constant", "EventTopic.Pattern(")]
    public async Task A_string_with_a_wildcard_or_that_is_no_topic_is_not_found_and_the_log_says_why(
        string path,
        string reason
    )
    {
        using var response = await _app.Client.GetAsync(
            $"/strings/{path}",
            HttpCompletionOption.ResponseHeadersRead,
            Stop
        );
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);

        var line = Assert.Single(_app.Lines.Texts);
        Assert.Contains(reason, line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("strings/variable/7")]
    [InlineData("strings/helper/7")]
    [InlineData("strings/sum/7")]
    [InlineData("strings/cast/7")]
    [InlineData("strings/listed/7")]
    [InlineData("strings/each/6,7")]
    [InlineData("strings/whole/orders.7.paid")]
    [InlineData("patterns/asked")]
    [InlineData("patterns/asked/7")]
    [InlineData("patterns/written")]
    [InlineData("patterns/written/7")]
    [InlineData("patterns/constant")]
    public async Task A_topic_and_a_pattern_that_is_asked_for_are_streamed(string path)
    {
        await using var stream = await SseReader.OpenAtAsync(_app.Server, $"/{path}");
        await _app.Log.AppendAsync("news.yesterday", "news", 0, cancellationToken: Stop);
        await _app.Log.AppendAsync("orders.7.paid", "paid", 1, cancellationToken: Stop);

        await stream.WaitForEventsAsync(1);
        Assert.Equal("paid", Assert.Single(stream.Events).Event);
        Assert.Empty(_app.Lines.Texts);
    }

    [Theory]
    [InlineData("asked/*")]
    [InlineData("asked/%3E")]
    [InlineData("asked/7.paid")]
    [InlineData("written/*")]
    public async Task Each_hole_of_a_pattern_that_is_asked_for_is_one_token(string path)
    {
        using var response = await _app.Client.GetAsync(
            $"/patterns/{path}",
            HttpCompletionOption.ResponseHeadersRead,
            Stop
        );
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Empty(_app.Lines.Texts);
    }

    [Theory]
    [InlineData("guid/0f8fad5b-d9cb-469f-a165-70867728950e", "of.0f8fad5bd9cb469fa16570867728950e.x")]
    [InlineData("day/2026-11-28", "of.2026-11-28.x")]
    [InlineData("nullable?id=-7", "of.-7.x")]
    [InlineData("padded?id=7", "of.007.x")]
    [InlineData("bool/true", "of.True.x")]
    [InlineData("enum/Friday", "of.Friday.x")]
    [InlineData("price/12", "of.12.x")]
    [InlineData("money/12.4", "of.12.x")]
    [InlineData("object/7", "of.7.x")]
    [InlineData("nullable", null)]
    [InlineData("padded", null)]
    [InlineData("price/12.5", null)]
    [InlineData("object/*", null)]
    public async Task A_hole_holds_a_value_of_any_type_with_a_format_and_still_one_token(string path, string? topic)
    {
        if (topic is null)
        {
            using var response = await _app.Client.GetAsync(
                $"/holes/{path}",
                HttpCompletionOption.ResponseHeadersRead,
                Stop
            );
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
            return;
        }

        await using var stream = await SseReader.OpenAtAsync(_app.Server, $"/holes/{path}");
        await _app.Log.AppendAsync((EventTopic)topic, "made", 1, cancellationToken: Stop);
        await stream.WaitForEventsAsync(1);
    }

    [Theory]
    [InlineData("from=yesterday", "from")]
    [InlineData("from=earliest&from=head", "from")]
    [InlineData("slow=never", "slow")]
    [InlineData("slow=latest&slow=disconnect", "slow")]
    public async Task A_wrong_value_of_a_stream_s_own_names_is_named(string query, string field)
    {
        using var response = await _app.Client.GetAsync(
            $"/patterns/written?{query}",
            HttpCompletionOption.ResponseHeadersRead,
            Stop
        );
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains($"\"{field}\"", await response.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
    }

    /// <summary>It would show all topics to whoever may see one, those of the gateway too.</summary>
    [Fact]
    public void A_stream_with_an_end_is_of_one_topic()
    {
        foreach (var topic in (EventTopic[])[EventTopic.Pattern(">"), $"orders.>", $"orders.{7}.*"])
            Assert.Throws<ArgumentException>(() => TypedResults.FiniteEventStream(topic, ["shipped"]));
        TypedResults.FiniteEventStream($"orders.{7}", ["shipped"]);
    }

    [Fact]
    public void An_empty_list_never_means_all()
    {
        IReadOnlyList<EventTopic> topics = [$"orders.>"];

        Assert.Throws<ArgumentException>(() => TypedResults.EventStream([]));
        Assert.Throws<ArgumentException>(() => TypedResults.EventStream(topics, types: []));
        Assert.Throws<ArgumentException>(() => TypedResults.EventStream(topics, keys: []));
        Assert.Throws<ArgumentException>(() => new EventFilter([]));
        Assert.Throws<ArgumentException>(() => new EventFilter(topics, types: []));
        Assert.Throws<ArgumentException>(() => new EventFilter(topics, keys: []));
    }

    [Fact]
    public async Task Other_names_of_a_query_are_the_application_s()
    {
        await using var stream = await SseReader.OpenAtAsync(
            _app.Server,
            "/patterns/written?topic=news.*&api-version=1"
        );
        Assert.Equal(HttpStatusCode.OK, stream.Response.StatusCode);
    }

    [Fact]
    public async Task A_filter_of_the_log_takes_a_pattern_only_if_it_is_asked_for()
    {
        await _app.Log.AppendAsync("orders.7.paid", "paid", 1, cancellationToken: Stop);
        await _app.Log.AppendAsync("orders.8.paid", "paid", 2, cancellationToken: Stop);
        string[] sent = ["orders.*.paid", ">", "orders.7.paid,orders.8.paid", ""];

        foreach (var topic in sent)
            Assert.Throws<ArgumentException>(() => new EventFilter([(EventTopic)topic]));

        foreach (var id in (string[])["*", ">", "7.paid", ""])
            Assert.Throws<ArgumentException>(() => new EventFilter([$"orders.{id}.paid"]));

        Assert.Equal([1L], await ReadAsync("orders.7.paid"));
        Assert.Equal([1L, 2], await ReadAsync(EventTopic.Pattern("orders.*.paid")));
        Assert.Equal([1L, 2], await ReadAsync($"orders.>"));

        async Task<IEnumerable<long>> ReadAsync(EventTopic topic) =>
            (await _app.Log.ReadAsync(new() { Filter = new EventFilter([topic]) }, Stop)).Events.Select(e =>
                e.At.Position
            );
    }

    [Fact]
    public async Task A_wildcard_is_never_appended_to_and_the_error_says_how_to_write_a_topic()
    {
        foreach (var topic in (string[])["orders.*.paid", "orders.>", "orders..paid", ""])
        {
            await Assert.ThrowsAsync<ArgumentException>(() => _app.Log.AppendAsync((EventTopic)topic, "paid", 1));
            await Assert.ThrowsAsync<ArgumentException>(() =>
                _app.Log.AppendAsync([new NewEvent((EventTopic)topic, "paid", "1")])
            );
            Assert.Throws<ArgumentException>(() => NewEvent.Of((EventTopic)topic, "paid", 1));
        }

        var asked = Assert.Throws<ArgumentException>(() => NewEvent.Of(EventTopic.Pattern("orders.>"), "paid", 1));
        Assert.Contains("without wildcards", asked.Message, StringComparison.Ordinal);
        Assert.Equal(0, (await _app.Log.ReadAsync(new(), Stop)).Head.Position);
    }

    [Theory]
    [InlineData("7.refunded.8")]
    [InlineData("*")]
    [InlineData("")]
    public async Task A_value_in_the_topic_of_an_event_is_one_token(string id)
    {
        Assert.Equal("orders.7.paid", new NewEvent($"orders.{7}.paid", "paid", "1").Topic);

        Assert.Throws<ArgumentException>(() => new NewEvent($"orders.{id}.paid", "paid", "1"));
        Assert.Throws<ArgumentException>(() => NewEvent.Of($"orders.{id}.paid", "paid", 1));
        await Assert.ThrowsAsync<ArgumentException>(() => _app.Log.AppendAsync($"orders.{id}.paid", "paid", 1));
    }

    [Theory]
    [InlineData("")]
    [InlineData("orders..>")]
    [InlineData("orders.>.paid")]
    [InlineData("orders.7*")]
    public void A_pattern_that_is_none_throws_where_it_is_asked_for(string text) =>
        Assert.Throws<ArgumentException>(() => EventTopic.Pattern(text));
}
