using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Integration.Llm;

/// <summary>Failures of providers, as the reader sees them.</summary>
public sealed class ProviderTests(AssemblyWide<LlmSystem> shared) : IClassFixture<AssemblyWide<LlmSystem>>
{
    public static TheoryData<string> Providers => ["openai", "anthropic", "local"];

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Fragmented_frames_with_malformed_lines_between_them_give_the_whole_text(string provider)
    {
        string[] tokens = ["Hello", " こんに", "ちは 😀", "\n\n", "\"quoted\"", " end"];
        var prompt = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            var bytes = Encoding.UTF8.GetBytes(
                ": a comment\n\n"
                    + string.Concat(
                        tokens.Select(t =>
                            request.Token(t) + "data: {\"broken\": \n\ndata: not json at all\ndata: 42\n\n"
                        )
                    )
            );
            for (var i = 0; i < bytes.Length; i += 7)
                await request.RawAsync(bytes.AsMemory(i, Math.Min(7, bytes.Length - i)));
            await request.EndAsync(6);
        });
        await using var reader = await LlmSystem.ChatAsync(shared.World.A, prompt, provider);
        await reader.WaitForEndAsync();
        Assert.Equal(string.Concat(tokens), LlmSystem.Text(reader.Events, "content"));
        Assert.Equal("[DONE]", reader.Events.Last().Data);
        Assert.All(reader.Frames, f => Assert.Null(f.Id));
        Assert.True(reader.EndedProperly);
    }

    [Fact]
    public async Task A_429_is_retried_after_the_providers_Retry_After()
    {
        var times = new List<DateTime>();
        var prompt = shared.World.Upstream.On(async request =>
        {
            times.Add(DateTime.UtcNow);
            if (request.Attempt == 1)
            {
                await request.RefuseAsync(429, "slow down", retryAfter: "1");
                return;
            }
            await request.StartAsync();
            await request.TokenAsync("ok");
            await request.EndAsync(1);
        });
        await using var reader = await LlmSystem.ChatAsync(shared.World.A, prompt, "openai");
        await reader.WaitForEndAsync();
        Assert.Equal("ok", LlmSystem.Text(reader.Events, "content"));
        Assert.True(times[1] - times[0] >= TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_429_that_names_a_date_is_tried_again_then()
    {
        var (until, again) = (default(DateTimeOffset), default(DateTimeOffset));
        var prompt = shared.World.Upstream.On(async request =>
        {
            if (request.Attempt == 1)
            {
                // An HTTP date has whole seconds (RFC 9110 §5.6.7).
                until = DateTimeOffset.FromUnixTimeSeconds(DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 3);
                await request.RefuseAsync(429, "slow down", until.ToString("R"));
                return;
            }
            again = DateTimeOffset.UtcNow;
            await request.StartAsync();
            await request.TokenAsync("ok");
            await request.EndAsync(1);
        });
        await using var reader = await LlmSystem.ChatAsync(shared.World.A, prompt, "anthropic");
        await reader.WaitForEndAsync();
        Assert.Equal("ok", LlmSystem.Text(reader.Events, "content"));
        Assert.True(again >= until, $"asked again {until - again} too early");
    }

    [Fact]
    public async Task A_429_that_asks_for_more_than_anybody_waits_is_passed_on_at_once()
    {
        var prompt = shared.World.Upstream.On(request => request.RefuseAsync(429, "come back later", retryAfter: "45"));
        using var response = await LlmSystem.Http.PostAsJsonAsync(
            new Uri(shared.World.A.Url, "/v1/chat/completions"),
            new { model = "gpt-4o", messages = new[] { new { role = "user", content = prompt } } }
        );
        Assert.Equal(
            (HttpStatusCode.TooManyRequests, TimeSpan.FromSeconds(45)),
            (response.StatusCode, response.Headers.RetryAfter?.Delta)
        );
        Assert.Equal(1, shared.World.Upstream.Attempts(prompt));
    }

    [Fact]
    public async Task A_silent_provider_is_asked_once_more_and_the_readers_get_the_state()
    {
        var prompt = shared.World.Upstream.On(async request =>
        {
            if (request.Attempt == 1)
                await Task.Delay(Timeout.Infinite, request.Gone);
            await request.StartAsync();
            await request.TokenAsync("at last");
            await request.EndAsync(1);
        });
        var id = await LlmSystem.GenerateAsync(shared.World.A, prompt, "local");
        await using var reader = await SseReader.OpenAsync(shared.World.B.Url, LlmSystem.Stream(id));
        await reader.WaitForEndAsync();
        Assert.Equal(["state", "token", "done"], reader.Events.Select(e => e.Event));
        var state = JsonDocument.Parse(reader.Events.First().Data!).RootElement;
        Assert.Equal(
            ("retrying", "timeout", 2),
            (
                state.GetProperty("state").GetString(),
                state.GetProperty("reason").GetString(),
                state.GetProperty("attempt").GetInt32()
            )
        );
        Assert.Equal("at last", (await LlmSystem.StateAsync(shared.World.A, id)).GetProperty("text").GetString());
    }

    [Theory]
    [InlineData("silent", 2)]
    [InlineData("comments", 1)] // alive, but no answer: the whole time is over in the first try
    public async Task A_provider_without_a_first_token_is_given_up(string how, int attempts)
    {
        var prompt = shared.World.Upstream.On(async request =>
        {
            if (how == "comments")
            {
                await request.StartAsync();
                while (true)
                {
                    await request.RawAsync(": still working\n\n");
                    await Task.Delay(200, request.Gone);
                }
            }
            await Task.Delay(Timeout.Infinite, request.Gone);
        });
        var id = await LlmSystem.GenerateAsync(shared.World.A, prompt, "local");
        await using var reader = await SseReader.OpenAsync(shared.World.A.Url, LlmSystem.Stream(id));
        await reader.WaitForEndAsync();
        var error = JsonDocument.Parse(reader.Events.Last().Data!).RootElement;
        Assert.Equal(
            (true, "timeout"),
            (error.GetProperty("fatal").GetBoolean(), error.GetProperty("reason").GetString())
        );
        Assert.Equal(attempts, shared.World.Upstream.Attempts(prompt));
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task An_error_that_the_provider_sends_in_mid_stream_ends_the_answer_and_keeps_its_text(string provider)
    {
        var prompt = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("half");
            await request.RawAsync(
                """data: {"type":"error","error":{"type":"overloaded_error","message":"too much at once for """
                    + (provider == "local" ? "us" : LlmSystem.Key)
                    + "\"}}"
                    + "\n\n"
            );
        });
        var id = await LlmSystem.GenerateAsync(shared.World.A, prompt, provider);
        await using var reader = await SseReader.OpenAsync(shared.World.B.Url, LlmSystem.Stream(id));
        await reader.WaitForEndAsync();
        Assert.Equal(["token", "error"], reader.Events.Select(e => e.Event));
        Assert.Contains("too much at once", reader.Events.Last().Data, StringComparison.Ordinal);
        Assert.DoesNotContain(LlmSystem.Key, reader.Events.Last().Data, StringComparison.Ordinal);
        var state = await LlmSystem.StateAsync(shared.World.A, id);
        Assert.Equal(
            ("failed", "half"),
            (state.GetProperty("status").GetString(), state.GetProperty("text").GetString())
        );
        Assert.Equal(1, shared.World.Upstream.Attempts(prompt));
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_provider_that_fails_is_tried_again_and_then_an_error_in_the_stream(string provider)
    {
        // `local` has no key to hide.
        var echoed = provider == "local" ? "nothing" : LlmSystem.Key;
        var prompt = shared.World.Upstream.On(request => request.RefuseAsync(500, $"boom with {echoed} in it"));
        var printed = new ConcurrentQueue<string>(); // the replica keeps only its last lines
        shared.World.A.Printed += printed.Enqueue;
        await using var reader = await LlmSystem.ChatAsync(shared.World.A, prompt, provider);
        await reader.WaitForEndAsync();
        var error = Assert.Single(reader.Events);
        Assert.Equal("error", error.Event);
        Assert.True(JsonDocument.Parse(error.Data!).RootElement.GetProperty("fatal").GetBoolean());
        Assert.Contains("boom", error.Data, StringComparison.Ordinal);
        Assert.Equal(3, shared.World.Upstream.Attempts(prompt));
        Assert.DoesNotContain(LlmSystem.Key, error.Data, StringComparison.Ordinal);
        // The end of a later stream is printed after everything about this one.
        await using (var later = await SseReader.OpenAsync(shared.World.A.Url, "/items/stream"))
            await later.WaitForEndAsync();
        await Eventually.HoldsAsync(
            () => printed.Any(line => line.Contains("/items/stream ended", StringComparison.Ordinal)),
            "the later stream's end is printed"
        );
        shared.World.A.Printed -= printed.Enqueue;
        Assert.DoesNotContain(printed, line => line.Contains(LlmSystem.Key, StringComparison.Ordinal));
        // A provider may quote the prompt: its message is for the caller, not for the log.
        Assert.DoesNotContain(printed, line => line.Contains("boom", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("broken", "upstream")]
    [InlineData("stalled", "timeout")]
    public async Task An_answer_that_stops_in_the_middle_keeps_its_text_and_says_why(string how, string reason)
    {
        var read = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var prompt = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("half");
            // A reset discards unread data: then nothing was received, and the request may be retried.
            await read.Task.WaitAsync(request.Gone);
            if (how == "broken")
                request.Context.Abort();
            else
                await Task.Delay(Timeout.Infinite, request.Gone);
        });
        var id = await LlmSystem.GenerateAsync(shared.World.A, prompt, how == "stalled" ? "local" : "openai");
        await using var reader = await SseReader.OpenAsync(shared.World.B.Url, LlmSystem.Stream(id));
        await reader.WaitForEventsAsync(1);
        read.SetResult();
        await reader.WaitForEndAsync();
        Assert.Equal(["token", "error"], reader.Events.Select(e => e.Event));
        Assert.Equal(
            reason,
            JsonDocument.Parse(reader.Events.Last().Data!).RootElement.GetProperty("reason").GetString()
        );
        var state = await LlmSystem.StateAsync(shared.World.B, id);
        Assert.Equal(
            ("failed", "half"),
            (state.GetProperty("status").GetString(), state.GetProperty("text").GetString())
        );
        Assert.Equal(1, shared.World.Upstream.Attempts(prompt));
    }

    [Theory]
    [InlineData("/sse/chat")]
    [InlineData("/sse/backpressure-chat")]
    [InlineData("/v1/chat/completions")]
    public async Task A_reader_that_drops_cancels_the_providers_request(string path)
    {
        var gone = new TaskCompletionSource();
        var prompt = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokensUntilGoneAsync("tick ");
            gone.SetResult();
        });
        var body = JsonContent.Create(
            new
            {
                model = "gpt-4o",
                stream = true,
                messages = new[] { new { role = "user", content = prompt } },
            }
        );
        await using (
            var reader = await SseReader.OpenAsync(shared.World.A.Url, path, method: HttpMethod.Post, body: body)
        )
            await reader.WaitForEventsAsync(3);
        await gone.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task A_reader_that_pauses_stops_the_provider_and_gets_all_in_the_end()
    {
        const int count = 30_000;
        var (written, most) = (0, 0);
        var prompt = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            for (var i = 0; i < count; i++)
            {
                await request.TokenAsync($"{i} ");
                Volatile.Write(ref written, i + 1);
            }
            await request.EndAsync(count);
        });
        using var http = new HttpRequestMessage(HttpMethod.Post, new Uri(shared.World.A.Url, "/sse/backpressure-chat"))
        {
            Content = LlmSystem.Ask(prompt, "openai"),
        };
        using var response = await LlmSystem.Http.SendAsync(http, HttpCompletionOption.ResponseHeadersRead);
        // The reader pauses, so the provider stops.
        await Eventually.HoldsAsync(
            async () =>
            {
                var before = Volatile.Read(ref written);
                await Task.Delay(300);
                most = Volatile.Read(ref written);
                return before > 0 && most == before;
            },
            "the provider is no longer read"
        );
        Assert.True(most < count, $"{most} tokens were written though nobody read");
        using var lines = new StreamReader(await response.Content.ReadAsStreamAsync());
        var (seen, paused, resumed, largest) = (0, false, false, 0);
        while (await lines.ReadLineAsync() is { } line)
        {
            if (!line.StartsWith("data: {", StringComparison.Ordinal))
                continue;
            var data = JsonDocument.Parse(line[6..]).RootElement;
            Assert.Equal($"{seen++} ", data.GetProperty("content").GetString());
            largest = Math.Max(largest, data.GetProperty("buffer_size").GetInt32());
            if (data.GetProperty("paused").GetBoolean())
                paused = true;
            else
                resumed |= paused;
        }
        Assert.Equal(count, seen);
        Assert.True(paused && resumed, $"paused {paused}, resumed {resumed}");
        Assert.InRange(largest, 60, 100);
    }

    [Fact]
    public async Task An_unknown_provider_is_named_in_a_400()
    {
        using var response = await LlmSystem.Http.PostAsync(
            new Uri(shared.World.A.Url, "/sse/chat"),
            LlmSystem.Ask("x", "nobody")
        );
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains(
            "Unsupported provider: nobody",
            await response.Content.ReadAsStringAsync(),
            StringComparison.Ordinal
        );
    }
}
