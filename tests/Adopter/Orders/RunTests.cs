using System.Collections.Concurrent;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Threading.Channels;
using Harness;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging.Console;

namespace Adopter.Orders;

/// <summary>Runs of an adopter's application: answers of a model that go on without their request.</summary>
public sealed class RunTests : IAsyncLifetime
{
    private readonly Channel<string> _words = Channel.CreateUnbounded<string>();
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Guid _id = Guid.NewGuid();

    private RunningOrders _orders = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Answer => $"/answers/{_id}";

    private ScriptedChatClient Model => new((_, _, stop) => AnswerAsync(stop));

    public async ValueTask InitializeAsync() => _orders = await RunningOrders.StartAsync(Model);

    public async ValueTask DisposeAsync()
    {
        _words.Writer.TryComplete();
        await _orders.DisposeAsync();
    }

    [Fact]
    public async Task A_run_outlives_its_request_and_every_reader_gets_all_of_it()
    {
        await AskAsync(_orders);
        await using var early = await SseReader.OpenAsync(_orders.Server, Answer);
        Say("Your order ", "is on ");
        await early.WaitForEventsAsync(2);

        Say("its way.");
        _words.Writer.Complete();
        await early.WaitForEndAsync();

        await using var late = await SseReader.OpenAsync(_orders.Server, Answer);
        await late.WaitForEndAsync();

        Assert.Equal(["update", "update", "update", "end"], early.Events.Select(e => e.Event));
        Assert.Equal(early.Events, late.Events);
        var answer = early.Events.SkipLast(1).Select(UpdateOf).ToChatResponse();

        Assert.Equal(("Your order is on its way.", ChatRole.Assistant), (answer.Text, answer.Messages.Single().Role));
    }

    [Fact]
    public async Task A_client_that_breaks_off_resumes_without_a_gap_and_its_stream_ends_with_the_run()
    {
        await using var other = await RunningOrders.StartAsync(Model, _orders.ConnectionString);
        await AskAsync(_orders);
        string last;
        await using (var first = await SseReader.OpenAsync(_orders.Server, Answer))
        {
            Say("a", "b");
            await first.WaitForEventsAsync(2);
            last = first.LastId!;
        }

        Say("c");

        await using var second = await SseReader.OpenAsync(other.Server, Answer, last);
        await second.WaitForEventsAsync(1);
        Say("d");
        _words.Writer.Complete();
        await second.WaitForEndAsync();

        Assert.Equal(["c", "d"], second.Events.SkipLast(1).Select(e => UpdateOf(e).Text));
        Assert.Equal(("end", true), (second.Events.Last().Event, second.EndedProperly));
        Assert.Empty(second.Resyncs);
        // A browser connects again after the end, and stops only then.
        Assert.Equal(HttpStatusCode.NoContent, await StatusAsync(HttpMethod.Get, lastId: second.LastId));
    }

    [Fact]
    public async Task A_run_is_cancelled_from_another_process()
    {
        await using var other = await RunningOrders.StartAsync(Model, _orders.ConnectionString);
        await AskAsync(_orders);
        await using var reader = await SseReader.OpenAsync(_orders.Server, Answer);

        Say("a");
        await reader.WaitForEventsAsync(1);

        using var cancelled = await other.Client.DeleteAsync(Answer, Stop);
        Assert.Equal(HttpStatusCode.Accepted, cancelled.StatusCode);
        await reader.WaitForEndAsync();

        Assert.True(_stopped.Task.IsCompletedSuccessfully);
        Assert.Equal([("update", null), ("error", "cancelled")], EventsOf(reader));
        using var again = await other.Client.DeleteAsync(Answer, Stop);

        Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);
    }

    /// <summary>The process lives on without its Postgres, as after a kill, and comes back.</summary>
    [Fact]
    public async Task A_run_whose_process_dies_is_ended_by_another_one_and_nothing_follows()
    {
        await using var link = FaultyLink.To(_orders.ConnectionString, out var through);

        var lease = (string[])["--AspireSse:Runs:LeaseSeconds", "3"];
        await using var other = await RunningOrders.StartAsync(Model, _orders.ConnectionString, lease);
        await using var dying = await RunningOrders.StartAsync(Model, through, lease);

        await AskAsync(dying);
        await using var reader = await SseReader.OpenAsync(other.Server, Answer);
        Say("a");
        await reader.WaitForEventsAsync(1);
        link.Cut();
        Say("lost");
        await reader.WaitForEndAsync();

        Assert.Equal([("update", null), ("error", "interrupted")], EventsOf(reader));
        link.Heal();
        await Eventually.HoldsAsync(() => _stopped.Task.IsCompleted);

        await using var again = await SseReader.OpenAsync(other.Server, Answer);
        await again.WaitForEndAsync();
        Assert.Equal(reader.Events, again.Events);
    }

    [Fact]
    public async Task An_exception_ends_a_run_with_an_error_and_is_in_the_log_of_the_application()
    {
        var lines = new ConcurrentQueue<string>();
        var services = _orders.App.Services;
        using var log = new LogLines(services.GetServices<ConsoleFormatter>().First(), lines.Enqueue);

        services.GetRequiredService<ILoggerFactory>().AddProvider(log);

        await AskAsync(_orders);
        await using var reader = await SseReader.OpenAsync(_orders.Server, Answer);
        Say("a");
        _words.Writer.Complete(new InvalidOperationException("The model is out of words."));
        await reader.WaitForEndAsync();

        Assert.Equal([("update", null), ("error", "failed")], EventsOf(reader));
        Assert.DoesNotContain("out of words", reader.Events.Last().Data, StringComparison.Ordinal);
        Assert.Contains(lines, line => line.Contains("out of words", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_run_of_a_topic_starts_once_and_one_that_never_started_is_not_found()
    {
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(HttpMethod.Get));
        Assert.Equal(HttpStatusCode.NotFound, await StatusAsync(HttpMethod.Delete));

        await AskAsync(_orders);
        using var again = await _orders.Client.PutAsJsonAsync(Answer, new { text = "Where is it?" }, Stop);
        Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);
    }

    /// <summary>The log of a run is a topic beside it, which must not be another run's.</summary>
    [Theory]
    [InlineData("answers")]
    [InlineData("answers.*")]
    [InlineData("answers.>")]
    [InlineData("answers.7.log")]
    public async Task A_topic_that_can_be_no_run_s_starts_and_cancels_nothing(string text)
    {
        var topic = (EventTopic)text;
        var runs = _orders.App.Services.GetRequiredService<IRuns>();
        await Assert.ThrowsAsync<ArgumentException>(() => runs.StartAsync(topic, (_, _) => Task.CompletedTask, Stop));
        Assert.False(await runs.CancelAsync(topic, Stop));
    }

    [Theory]
    [InlineData("end")]
    [InlineData("error")]
    [InlineData("connected")]
    [InlineData("a\nb")]
    public async Task The_work_cannot_append_what_streams_and_runs_send_of_themselves(string type)
    {
        var refused = false;
        var runs = _orders.App.Services.GetRequiredService<IRuns>();
        await runs.StartAsync($"answers.{_id}", AppendAsync, Stop);

        await using var reader = await SseReader.OpenAsync(_orders.Server, Answer);
        await reader.WaitForEndAsync();
        Assert.True(refused);
        Assert.Equal([("end", null)], EventsOf(reader));

        async Task AppendAsync(Run run, CancellationToken _)
        {
            await Assert.ThrowsAsync<ArgumentException>(() => run.AppendAsync(type, 1));
            refused = true;
        }
    }

    /// <summary>In Development the whole set of services is checked.</summary>
    [Fact]
    public async Task Runs_need_nothing_but_the_log_and_the_streams()
    {
        await using var app = RunningOrders.Build(Model, "Host=localhost", "--environment", "Development");
        Assert.NotNull(app.Services.GetRequiredService<IRuns>());
    }

    private void Say(params string[] words) => Assert.All(words, word => Assert.True(_words.Writer.TryWrite(word)));

    private async Task AskAsync(RunningOrders orders)
    {
        using var accepted = await orders.Client.PutAsJsonAsync(Answer, new { text = "Where is my order?" }, Stop);
        Assert.Equal((HttpStatusCode.Accepted, Answer), (accepted.StatusCode, accepted.Headers.Location!.ToString()));
    }

    private async IAsyncEnumerable<ChatResponseUpdate> AnswerAsync([EnumeratorCancellation] CancellationToken stop)
    {
        try
        {
            await foreach (var word in _words.Reader.ReadAllAsync(stop))
                yield return new ChatResponseUpdate(ChatRole.Assistant, word);
        }
        finally
        {
            _stopped.TrySetResult();
        }
    }

    private async Task<HttpStatusCode> StatusAsync(HttpMethod method, string? lastId = null)
    {
        using var request = new HttpRequestMessage(method, Answer);
        if (lastId is not null)
            request.Headers.Add("Last-Event-ID", lastId);
        using var response = await _orders.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        return response.StatusCode;
    }

    private static ChatResponseUpdate UpdateOf(Frame frame) =>
        JsonSerializer.Deserialize<ChatResponseUpdate>(frame.Data!, JsonSerializerOptions.Web)!;

    private static IEnumerable<(string?, string?)> EventsOf(SseReader reader) =>
        reader.Events.Select(e =>
            (
                e.Event,
                JsonDocument.Parse(e.Data!).RootElement.TryGetProperty("reason", out var reason)
                    ? reason.GetString()
                    : null
            )
        );
}
