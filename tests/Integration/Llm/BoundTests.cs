using System.Net;
using System.Text;
using System.Text.Json;
using Harness;
using Integration.Seeds;

namespace Integration.Llm;

/// <summary>
/// Messages and answers are stored and read in bounded bytes, and a response says what it leaves out.
/// </summary>
public sealed class BoundTests(BoundTests.ShortReads fixture) : IClassFixture<BoundTests.ShortReads>
{
    private const int ReadBytes = 65_536;

    private FakeUpstream Upstream => fixture.Upstream;
    private RunningService Replica => fixture.System.Replicas[0];

    /// <summary>A replica with a small limit on reads of a run.</summary>
    public sealed class ShortReads : SharedLlmSystem
    {
        protected override Dictionary<string, string> Settings =>
            new(base.Settings)
            {
                ["AspireSse__Runs__MaxReadBytes"] = $"{ReadBytes}",
                ["AspireSse__Llm__MaxMessageBytes"] = "30000",
            };
    }

    [Fact]
    public async Task A_message_is_bounded_in_size_and_all_messages_of_a_client_by_its_budget()
    {
        await using var replica = await fixture.System.StartReplicaAsync(
            new() { ["Limits__PublishKilobytesPerSecond"] = "16", ["Limits__SparePercent"] = "0" }
        );
        var session = await LlmSystem.SessionAsync(replica);

        using (var large = await SendAsync(new string('x', 30_001)))
        {
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
            Assert.Contains("at most 30000 bytes", await large.TextAsync(), StringComparison.Ordinal);
        }

        // Three bytes each: a limit on characters would allow three times as many bytes.
        using (var wide = await SendAsync(new string('語', 10_001)))
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, wide.StatusCode);

        using (var right = await SendAsync(Upstream.On(request => request.SayAsync("ok"), length: 30_000)))
            Assert.Equal(HttpStatusCode.OK, right.StatusCode);

        // The budget of ten seconds is 160 kB; these are twice as many.
        var message = Upstream.On(request => request.SayAsync("ok"), length: 29_000);
        var refusals = 0;
        await foreach (var sent in Task.WhenEach(Enumerable.Range(0, 12).Select(_ => SendAsync(message))))
        {
            using var answer = await sent;
            if (answer.StatusCode == HttpStatusCode.OK)
                continue;

            Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
            Assert.NotNull(answer.Headers.RetryAfter);
            refusals++;

            break; // the others are refused later, because their client does not wait
        }

        Assert.Equal(1, refusals);

        Task<HttpResponseMessage> SendAsync(string content) =>
            LlmSystem.PostAsync(replica, $"/message/{session}", new { content });
    }

    [Fact]
    public async Task The_model_and_readers_get_the_newest_part_of_a_long_conversation()
    {
        var session = await LlmSystem.SessionAsync(Replica);
        var seen = new List<JsonElement>();
        var prompts = Prompts(
            6,
            async (request, index) =>
            {
                lock (seen)
                    seen.Add(request.Body);
                await request.SayAsync($"answer {index}");
            }
        );
        await using var reader = await SseReader.OpenAsync(Replica.Url, "/stream/" + session);

        for (var i = 0; i < prompts.Count; i++)
        {
            await LlmSystem.SendAsync(Replica, session, prompts[i]);
            await LlmSystem.AnsweredAsync(reader, i + 1);
        }

        Assert.Equal(
            string.Concat(Enumerable.Range(0, 6).Select(i => $"answer {i}")),
            LlmSystem.Text(reader.Events, "data")
        );

        // The third message fits; the fourth leaves no room for the first.
        Assert.Equal([prompts[0], "answer 0", prompts[1], "answer 1", prompts[2]], SaidIn(seen[2]));
        Assert.Equal([prompts[3], "answer 3", prompts[4], "answer 4", prompts[5]], SaidIn(seen[5]));

        using var response = await SeedRequests.SendAsync(Replica.Url, HttpMethod.Get, "/session/" + session);
        var text = await response.TextAsync();
        Assert.InRange(Encoding.UTF8.GetByteCount(text), 1, ReadBytes + 4_096);

        var state = JsonElement.Parse(text);
        Assert.Equal(("openai", true), (state.Text("provider"), state.At("truncated").GetBoolean()));
        Assert.Equal(prompts[^3..], state.Items("turns").Select(t => t.Text("message")));
        Assert.Equal(["answer 3", "answer 4", "answer 5"], state.Items("turns").Select(t => t.Text("events.0.data")));
        Assert.Equal(reader.LastId, Assert.Single(response.Headers.GetValues("X-Sse-Position")));

        static IEnumerable<string?> SaidIn(JsonElement request) =>
            request.Items("messages").Where(m => m.Text("role") != "system").Select(m => m.Text("content"));
    }

    [Fact]
    public async Task Messages_that_wait_are_answered_in_order_however_many_bytes_they_are()
    {
        var session = await LlmSystem.SessionAsync(Replica);
        var go = new TaskCompletionSource();
        var prompts = Prompts(
            6,
            async (request, index) =>
            {
                await go.Task.WaitAsync(request.Gone);
                await request.SayAsync($"answer {index}");
            }
        );

        foreach (var prompt in prompts)
            await LlmSystem.SendAsync(Replica, session, prompt);

        go.SetResult();
        await using var reader = await SseReader.OpenAsync(Replica.Url, "/stream/" + session);
        await LlmSystem.AnsweredAsync(reader, prompts.Count);
        Assert.Equal(
            string.Concat(Enumerable.Range(0, 6).Select(i => $"answer {i}")),
            LlmSystem.Text(reader.Events, "data")
        );
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_agents_answer_counts_its_conversation_as_memory_of_its_client_until_its_end(bool ofSession)
    {
        await using var replica = await fixture.System.StartReplicaAsync(
            new() { ["Limits__HeldMegabytes"] = "1", ["AspireSse__Llm__MaxMessageBytes"] = "100000" }
        );
        var (asked, go) = (new TaskCompletionSource(), new TaskCompletionSource());

        var prompt = Upstream.On(
            async request =>
            {
                asked.TrySetResult();
                await go.Task.WaitAsync(request.Gone);
                await request.SayAsync();
            },
            length: 100_000
        );
        // Admitted, and then refused as too many events.
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, await ManyZerosAsync());

        var question = new { prompt, provider = "openai" };
        await using var reader = ofSession ? null : await LlmSystem.OpenAsync(replica, "/stream", question);

        if (ofSession)
            await LlmSystem.SendAsync(replica, await LlmSystem.SessionAsync(replica), prompt);

        await asked.Task.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
        // The zeros take 0.9 MB, and the prompt 0.2 MB.
        Assert.Equal(HttpStatusCode.TooManyRequests, await ManyZerosAsync());
        go.SetResult();
        await Eventually.HoldsAsync(
            async () => await ManyZerosAsync() == HttpStatusCode.RequestEntityTooLarge,
            "the conversation of an ended answer is given back"
        );

        async Task<HttpStatusCode> ManyZerosAsync()
        {
            using var response = await LlmSystem.PostAsync(replica, "/v1/events", new int[65_000]);
            return response.StatusCode;
        }
    }

    [Fact]
    public async Task A_generation_longer_than_a_read_says_so_and_its_stream_has_the_rest()
    {
        var tokens = Enumerable.Range(0, 300).Select(i => $"{i} ".PadRight(1_000, 'x')).ToArray();
        var said = string.Concat(tokens);

        var id = await LlmSystem.GenerateAsync(Replica, Upstream.Saying(tokens), "openai");
        await using (var whole = await LlmSystem.ReadAsync(Replica, id))
            Assert.Equal(said, LlmSystem.Text(whole.Events, "text"));

        using var response = await SeedRequests.SendAsync(Replica.Url, HttpMethod.Get, $"/v1/generations/{id}");
        var state = await response.JsonAsync();
        var text = state.Text("text")!;

        Assert.True(state.At("truncated").GetBoolean());
        Assert.Equal(("done", 300), (state.Text("status"), state.Number("usage.outputTokens")));
        Assert.True(text.Length < ReadBytes, $"{text.Length} characters");

        var position = Assert.Single(response.Headers.GetValues("X-Sse-Position"));
        await using var rest = await LlmSystem.ReadAsync(Replica, id, position);
        Assert.Equal(said, text + LlmSystem.Text(rest.Events, "text"));
    }

    /// <summary>Registers long messages with their answers.</summary>
    private List<string> Prompts(int count, Func<UpstreamRequest, int, Task> answer) =>
        [.. Enumerable.Range(0, count).Select(i => Upstream.On(request => answer(request, i), length: 20_000))];
}
