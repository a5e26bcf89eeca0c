using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Harness;

namespace Integration.Llm;

/// <summary>
/// Messages and answers are stored and read in bounded bytes, and a response says what it leaves out.
/// </summary>
public sealed class BoundTests(BoundTests.ShortReads fixture) : IClassFixture<BoundTests.ShortReads>
{
    private const int ReadBytes = 65_536;

    /// <summary>A replica with a small limit on reads of a run.</summary>
    public sealed class ShortReads : SharedLlmSystem
    {
        protected override Dictionary<string, string> Settings =>
            new(base.Settings) { ["Runs__MaxReadBytes"] = $"{ReadBytes}", ["Llm__MaxMessageBytes"] = "30000" };
    }

    [Fact]
    public async Task A_message_is_bounded_in_size_and_all_messages_of_a_client_by_its_budget()
    {
        await using var replica = await fixture.System.StartReplicaAsync(
            new() { ["Limits__PublishKilobytesPerSecond"] = "64" }
        );
        var session = await SessionAsync(replica, "demo");
        using (
            var large = await LlmSystem.PostAsync(
                replica,
                $"/message/{session}",
                new { content = new string('x', 30_001) }
            )
        )
        {
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
            Assert.Contains("Llm:MaxMessageBytes", await large.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }
        // Three bytes each: a limit on characters would allow three times as many bytes.
        using (
            var wide = await LlmSystem.PostAsync(
                replica,
                $"/message/{session}",
                new { content = new string('語', 10_001) }
            )
        )
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, wide.StatusCode);
        using (
            var right = await LlmSystem.PostAsync(
                replica,
                $"/message/{session}",
                new { content = new string('x', 30_000) }
            )
        )
            Assert.Equal(HttpStatusCode.OK, right.StatusCode);

        // The budget of ten seconds is 640 kB; these are twice as many.
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 45)
                .Select(_ =>
                    LlmSystem.PostAsync(replica, $"/message/{session}", new { content = new string('x', 29_000) })
                )
        );
        Assert.All(
            answers,
            a => Assert.Contains(a.StatusCode, (HttpStatusCode[])[HttpStatusCode.OK, HttpStatusCode.TooManyRequests])
        );
        Assert.Contains(
            answers,
            a => a.StatusCode == HttpStatusCode.TooManyRequests && a.Headers.RetryAfter is not null
        );
        foreach (var answer in answers)
            answer.Dispose();
    }

    [Fact]
    public async Task The_model_and_readers_get_the_newest_part_of_a_long_conversation()
    {
        var (upstream, replica) = (fixture.Upstream, fixture.System.Replicas[0]);
        var session = await SessionAsync(replica, "openai");
        var seen = new List<JsonElement>();
        var prompts = Enumerable
            .Range(0, 6)
            .Select(i =>
                upstream.On(
                    async request =>
                    {
                        lock (seen)
                            seen.Add(request.Body);
                        await request.StartAsync();
                        await request.TokenAsync($"answer {i}");
                        await request.EndAsync(1);
                    },
                    length: 20_000
                )
            )
            .ToList();
        await using var reader = await SseReader.OpenAsync(replica.Url, "/stream/" + session);
        for (var i = 0; i < prompts.Count; i++)
        {
            using (var sent = await LlmSystem.PostAsync(replica, $"/message/{session}", new { content = prompts[i] }))
                Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
            await reader.WaitAsync(r => r.Events.Count(e => e.Data == """{"type":"message_end"}""") == i + 1);
        }
        Assert.Equal(
            Enumerable.Range(0, 6).Select(i => $"answer {i}"),
            reader
                .Events.Where(e => e.Data!.Contains("content", StringComparison.Ordinal))
                .Select(e => JsonDocument.Parse(e.Data!).RootElement.GetProperty("data").GetString())
        );

        // The third message fits; the fourth leaves no room for the first.
        Assert.Equal([prompts[0], "answer 0", prompts[1], "answer 1", prompts[2]], SaidIn(seen[2]));
        Assert.Equal([prompts[3], "answer 3", prompts[4], "answer 4", prompts[5]], SaidIn(seen[5]));

        using var response = await LlmSystem.Http.GetAsync(new Uri(replica.Url, "/session/" + session));
        Assert.InRange(
            response.Content.Headers.ContentLength ?? (await response.Content.ReadAsByteArrayAsync()).Length,
            1,
            ReadBytes + 4_096
        );
        var state = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.True(state.GetProperty("truncated").GetBoolean());
        Assert.Equal(
            prompts[^3..],
            state.GetProperty("turns").EnumerateArray().Select(t => t.GetProperty("message").GetString())
        );
        Assert.Equal(
            ["answer 3", "answer 4", "answer 5"],
            state
                .GetProperty("turns")
                .EnumerateArray()
                .Select(t => t.GetProperty("events")[0].GetProperty("data").GetString())
        );
        Assert.Equal("openai", state.GetProperty("provider").GetString());
        Assert.Equal(reader.LastId, Assert.Single(response.Headers.GetValues("X-Sse-Position")));
    }

    [Fact]
    public async Task Messages_that_wait_are_answered_in_order_however_many_bytes_they_are()
    {
        var (upstream, replica) = (fixture.Upstream, fixture.System.Replicas[0]);
        var session = await SessionAsync(replica, "openai");
        var go = new TaskCompletionSource();

        var prompts = Enumerable
            .Range(0, 6)
            .Select(i =>
                upstream.On(
                    async request =>
                    {
                        await go.Task.WaitAsync(request.Gone);
                        await request.StartAsync();
                        await request.TokenAsync($"answer {i}");
                        await request.EndAsync(1);
                    },
                    length: 20_000
                )
            )
            .ToList();

        foreach (var prompt in prompts)
            using (var sent = await LlmSystem.PostAsync(replica, $"/message/{session}", new { content = prompt }))
                Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
        go.SetResult();
        await using var reader = await SseReader.OpenAsync(replica.Url, "/stream/" + session);
        await reader.WaitAsync(r => r.Events.Count(e => e.Data == """{"type":"message_end"}""") == prompts.Count);
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
            new() { ["Limits__HeldMegabytesPerClient"] = "1", ["Llm__MaxMessageBytes"] = "100000" }
        );
        var (asked, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        var prompt = fixture.Upstream.On(
            async request =>
            {
                asked.TrySetResult();
                await go.Task.WaitAsync(request.Gone);
                await request.StartAsync();
                await request.EndAsync(1);
            },
            length: 100_000
        );
        // Admitted, and then refused as too many events.
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, await ManyZerosAsync());
        await using var reader = ofSession ? null : await AskAsync(replica, prompt);
        if (ofSession)
            using (
                var sent = await LlmSystem.PostAsync(
                    replica,
                    $"/message/{await SessionAsync(replica, "openai")}",
                    new { content = prompt }
                )
            )
                Assert.Equal(HttpStatusCode.OK, sent.StatusCode);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
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
        var (upstream, replica) = (fixture.Upstream, fixture.System.Replicas[0]);
        var said = new StringBuilder();

        var prompt = upstream.On(async request =>
        {
            await request.StartAsync();
            for (var i = 0; i < 300; i++)
            {
                var token = $"{i} ".PadRight(1_000, 'x');
                said.Append(token);
                await request.TokenAsync(token);
            }
            await request.EndAsync(300);
        });

        var id = await LlmSystem.GenerateAsync(replica, prompt, "openai");

        await using (var whole = await SseReader.OpenAsync(replica.Url, LlmSystem.Stream(id)))
        {
            await whole.WaitForEndAsync();
            Assert.Equal(said.ToString(), LlmSystem.Text(whole.Events, "text"));
        }

        using var response = await LlmSystem.Http.GetAsync(new Uri(replica.Url, $"/v1/generations/{id}"));
        var state = await response.Content.ReadFromJsonAsync<JsonElement>();
        var text = state.GetProperty("text").GetString()!;
        Assert.True(state.GetProperty("truncated").GetBoolean());
        Assert.Equal(
            ("done", 300),
            (state.GetProperty("status").GetString(), state.GetProperty("usage").GetProperty("outputTokens").GetInt32())
        );
        Assert.True(text.Length < ReadBytes, $"{text.Length} characters");

        await using var rest = await SseReader.OpenAsync(
            replica.Url,
            LlmSystem.Stream(id),
            Assert.Single(response.Headers.GetValues("X-Sse-Position"))
        );

        await rest.WaitForEndAsync();
        Assert.Equal(said.ToString(), text + LlmSystem.Text(rest.Events, "text"));
    }

    private static IEnumerable<string?> SaidIn(JsonElement request) =>
        request
            .GetProperty("messages")
            .EnumerateArray()
            .Where(m => m.GetProperty("role").GetString() != "system")
            .Select(m => m.GetProperty("content").GetString());

    private static Task<SseReader> AskAsync(RunningService replica, string prompt) =>
        SseReader.OpenAsync(
            replica.Url,
            "/stream",
            method: HttpMethod.Post,
            body: JsonContent.Create(new { prompt, provider = "openai" })
        );

    private static async Task<string> SessionAsync(RunningService replica, string provider)
    {
        using var response = await LlmSystem.PostAsync(replica, "/session", new { provider });
        return (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("session_id").GetString()!;
    }
}
