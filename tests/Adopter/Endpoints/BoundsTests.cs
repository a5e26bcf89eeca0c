using System.Net;
using System.Net.ServerSentEvents;
using Adopter.Showing;
using AspireSse.Server;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Adopter.Endpoints;

/// <summary>Streams with a beginning and an end of the application's own, over a log in Postgres.</summary>
public sealed class BoundsTests : IAsyncLifetime
{
    private const int Places = 20;

    private SmallApp _app = null!;
    private int _begun;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var database = await Stores.Shared.CreateDatabaseAsync(Stop);
        string[] settings = ["--Sse:MaxConnections", $"{Places}"];
        _app = await SmallApp.StartAsync(Map, builder => builder.AddSseRuns(), database.ConnectionString, settings);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    [Fact]
    public async Task A_finite_stream_has_all_from_the_first_event_to_the_last()
    {
        await AppendAsync("orders.1", "packed", "sent", "done");
        await using var all = await SseReader.OpenAsync(_app.Server, "/orders/1").ToEndAsync();
        Assert.Equal(["packed", "sent", "done"], all.Events.Select(e => e.Event));

        await using var rest = await SseReader.OpenAsync(_app.Server, "/orders/1", all.Events.First().Id).ToEndAsync();
        Assert.Equal(["sent", "done"], rest.Events.Select(e => e.Event));
        await using var counted = await SseReader.OpenAsync(_app.Server, "/orders/1", "2").ToEndAsync();
        Assert.Equal(["done"], counted.Events.Select(e => e.Event));

        using var over = new HttpRequestMessage(HttpMethod.Get, "/orders/1");
        over.Headers.Add("Last-Event-ID", all.LastId);
        using var response = await _app.Client.SendAsync(over, Stop);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
    }

    [Fact]
    public async Task A_finite_stream_that_has_lost_its_first_events_counts_no_more()
    {
        await AppendAsync("orders.2", "sent", "done"); // of three
        await using var reader = await SseReader.OpenAsync(_app.Server, "/orders/2", "1").ToEndAsync();
        Assert.Equal("expired", Assert.Single(reader.Resyncs).Reason);
        Assert.Equal(["sent", "done"], reader.Events.Select(e => e.Event));
    }

    [Fact]
    public async Task A_stream_begins_and_ends_where_its_bounds_say_and_its_work_begins_with_its_place()
    {
        var first = await _app.Log.AppendAsync("news.1", "told", 1, cancellationToken: Stop);
        await AppendAsync("news.1", "told", "over");
        await using var reader = await SseReader.OpenAsync(_app.Server, $"/news/1?after={first.At}").ToEndAsync();
        Assert.Equal(["begin", null, "over"], reader.Frames.Where(f => f.Data is not null).Select(f => f.Event));
        Assert.Equal(1, _begun);
    }

    /// <summary>As after the restore of a backup, of which the application's own state knows nothing.</summary>
    [Theory]
    [InlineData(1_000_000, "", "future")]
    [InlineData(0, "restored.", "epoch")]
    public async Task A_beginning_that_the_log_does_not_have_gets_a_resync(long ahead, string epoch, string reason)
    {
        var at = (await _app.Log.AppendAsync($"news.{reason}", "told", 1, cancellationToken: Stop)).At;
        var lost = new StreamPosition(epoch + at.Epoch, at.Position + ahead);
        await using var reader = await SseReader.OpenAsync(_app.Server, $"/news/{reason}?after={lost}");
        await Eventually.HoldsAsync(() => reader.Resyncs.Any());
        Assert.Equal(reason, Assert.Single(reader.Resyncs).Reason);
    }

    [Fact]
    public void A_beginning_that_no_log_can_have_is_the_developers_mistake()
    {
        foreach (var place in (StreamPosition[])[default, new("e", -5), new("a b", 1)])
            Assert.Throws<ArgumentException>(() =>
                TypedResults.EventStream(["news.1"], bounds: new StreamBounds { After = place })
            );
    }

    [Fact]
    public async Task Work_that_does_not_begin_keeps_no_place_of_a_client_that_has_left()
    {
        for (var request = 0; request < Places; request++)
        {
            using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Stop);
            var opening = _app.Client.GetAsync("/never", leaving.Token);
            await Eventually.HoldsAsync(() => Volatile.Read(ref _begun) > request);
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => opening);
        }

        await Eventually.HoldsAsync(async () =>
        {
            using var answer = await _app.Client.GetAsync(
                "/news/2?after=",
                HttpCompletionOption.ResponseHeadersRead,
                Stop
            );
            return answer.StatusCode == HttpStatusCode.OK;
        });
    }

    [Fact]
    public async Task A_run_that_a_request_starts_is_read_on_by_an_id_of_it()
    {
        await using var all = await SseReader.OpenAsync(_app.Server, "/answer").ToEndAsync();
        Assert.Equal(["word", "word", "complete"], all.Events.Select(e => e.Event));

        var ids = all.Events.Select(e => e.Id).ToList();
        await using var rest = await SseReader.OpenAsync(_app.Server, "/answer", ids[1]).ToEndAsync();
        Assert.Equal(all.Events.Last(), Assert.Single(rest.Events));
        Assert.Equal(1, _begun);
    }

    [Theory]
    [InlineData("complete")]
    [InlineData("end")]
    public async Task A_stream_of_a_run_ends_with_the_run_s_own_last_event(string type)
    {
        var runs = _app.Services.GetRequiredService<IRuns>();
        await runs.StartAsync("told.1", (run, _) => type == "end" ? Task.CompletedTask : run.EndAsync(type, 1), Stop);
        await using var all = await SseReader.OpenAsync(_app.Server, "/told/1").ToEndAsync();
        Assert.Equal(type, Assert.Single(all.Events).Event);

        using var over = new HttpRequestMessage(HttpMethod.Get, "/told/1");
        over.Headers.Add("Last-Event-ID", all.LastId);
        using var response = await _app.Client.SendAsync(over, HttpCompletionOption.ResponseHeadersRead, Stop);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
    }

    [Fact]
    public async Task A_run_that_its_request_starts_may_end_without_its_own_last_event()
    {
        await using var all = await SseReader.OpenAsync(_app.Server, "/silence").ToEndAsync();
        Assert.Equal("end", Assert.Single(all.Events).Event);
    }

    [Theory]
    [InlineData("restarted")]
    [InlineData("error")]
    [InlineData("connected")]
    public async Task A_run_ends_with_no_event_that_streams_and_runs_send_of_themselves(string type)
    {
        var refusal = new TaskCompletionSource<Exception?>();
        await _app
            .Services.GetRequiredService<IRuns>()
            .StartAsync(
                $"told.{type}",
                async (run, _) => refusal.SetResult(await Record.ExceptionAsync(() => run.EndAsync(type, 1))),
                Stop
            );
        Assert.IsType<ArgumentException>(await refusal.Task.WaitAsync(Stop));
    }

    [Fact]
    public async Task A_client_that_should_come_later_gets_a_time_and_why()
    {
        using var response = await _app.Client.GetAsync("/later", Stop);
        var text = await response.Content.ReadAsStringAsync(Stop);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.StartsWith(": Come later.\n", text, StringComparison.Ordinal);
        Assert.Contains("\nretry: ", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_topics_positions_and_those_of_a_numbered_one_are_read()
    {
        var topics = _app.Services.GetRequiredService<TopicReader>();
        await AppendAsync("kept.1", "told");
        Assert.Equal(["kept.2"], await topics.WithoutEventsAsync(["kept.1", "kept.2"], Stop));

        List<AppendedEvent> numbers = [];
        for (var id = 5; id < 9; id++)
            numbers.Add(await _app.Log.AppendAsync("numbers.1", "message", new { id }, cancellationToken: Stop));

        var numbered = await topics.ReadNumberedAsync("numbers.1", 6, "kept.1", "told", Stop);
        Assert.Equal((5, 8, numbers[1].At), (numbered.Oldest, numbered.Newest, numbered.At));
        Assert.Equal(numbered.Other.Newest, numbered.Other.Last);

        var lineages = _app.Services.GetRequiredService<LineageReader>();
        Assert.Equal(numbers[1].At, await lineages.TranslateAsync(numbers[1].At, numbered.Head.Epoch, Stop));
    }

    private async Task AppendAsync(string topic, params string[] types)
    {
        foreach (var type in types)
            await _app.Log.AppendAsync(topic, type, type, cancellationToken: Stop);
    }

    private void Map(WebApplication app)
    {
        app.MapGet("/orders/{id}", (string id) => TypedResults.FiniteEventStream($"orders.{id}", ["done"], events: 3))
            .AllowAnonymous();
        app.MapGet("/news/{id}", News).AllowAnonymous();
        app.MapGet(
                "/never",
                () => TypedResults.EventStream(["news.1"], bounds: new StreamBounds { Begin = NeverAsync })
            )
            .AllowAnonymous();
        app.MapGet("/answer", () => TypedResults.StartedRunStream("answers", WriteAsync, end: "complete"))
            .AllowAnonymous();
        app.MapGet("/told/{id}", (string id) => TypedResults.RunStream($"told.{id}", end: "complete")).AllowAnonymous();
        app.MapGet(
                "/silence",
                () => TypedResults.StartedRunStream("answers", (_, _) => Task.CompletedTask, end: "complete")
            )
            .AllowAnonymous();
        app.MapGet("/later", () => TypedResults.Reconnect("Come later.")).AllowAnonymous();
    }

    private EventStreamResult News(string id, string after) =>
        TypedResults.EventStream(
            [$"news.{id}"],
            show: told => new SseItem<object?>(1, told.Type == "over" ? "over" : null),
            hasConnected: false,
            bounds: new StreamBounds
            {
                After = StreamPosition.TryParse(after, out var at) ? at : null,
                Ends = ["over"],
                Begin = () => Task.FromResult(Interlocked.Increment(ref _begun)),
            }
        );

    private Task NeverAsync()
    {
        Interlocked.Increment(ref _begun);
        return Task.Delay(Timeout.Infinite, CancellationToken.None);
    }

    private async Task WriteAsync(Run run, CancellationToken stop)
    {
        Interlocked.Increment(ref _begun);
        await run.AppendAsync("word", "a");
        await run.AppendAsync("word", "b");
        await run.EndAsync("complete", 2);
    }
}
