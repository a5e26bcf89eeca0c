using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Integration.Seeds;

namespace Integration.Llm;

/// <summary>Failures of providers, as the reader sees them.</summary>
public sealed class ProviderTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    public static TheoryData<string> Providers => ["openai", "anthropic", "local"];

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task Fragmented_frames_with_malformed_lines_between_them_give_the_whole_text(string provider)
    {
        string[] tokens = ["Hello", " こんに", "ちは 😀", "\n\n", "\"quoted\"", " end"];
        var prompt = Upstream.On(async request =>
        {
            const string malformed = "data: {\"broken\": \n\ndata: not json at all\ndata: 42\n\n";
            await request.StartAsync();
            var frames = ": a comment\n\n" + string.Concat(tokens.Select(token => request.Token(token) + malformed));
            foreach (var fragment in Encoding.UTF8.GetBytes(frames).Chunk(7))
                await request.RawAsync(fragment);
            await request.EndAsync(6);
        });

        await using var reader = await LlmSystem.ChatAsync(A, prompt, provider).ToEndAsync();
        Assert.Equal(string.Concat(tokens), LlmSystem.Text(reader.Events, "content"));
        Assert.Equal("[DONE]", reader.Events.Last().Data);
        Assert.All(reader.Frames, f => Assert.Null(f.Id));
        Assert.True(reader.EndedProperly);
    }

    [Fact]
    public async Task A_429_is_retried_after_the_providers_Retry_After()
    {
        var times = new List<DateTime>();
        var prompt = Upstream.On(request =>
        {
            times.Add(DateTime.UtcNow);
            return request.Attempt == 1
                ? request.RefuseAsync(429, "slow down", retryAfter: "1")
                : request.SayAsync("ok");
        });
        await using var reader = await LlmSystem.ChatAsync(A, prompt, "openai").ToEndAsync();

        Assert.Equal("ok", LlmSystem.Text(reader.Events, "content"));
        Assert.True(times[1] - times[0] >= TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_429_that_asks_for_more_than_anybody_waits_is_passed_on_at_once()
    {
        var prompt = Upstream.On(request => request.RefuseAsync(429, "come back later", retryAfter: "45"));
        using var response = await LlmSystem.PostAsync(A, Completions, LlmSystem.VendorQuestion(prompt));
        Assert.Equal(
            (HttpStatusCode.TooManyRequests, TimeSpan.FromSeconds(45)),
            (response.StatusCode, response.Headers.RetryAfter?.Delta)
        );
        Assert.Equal(1, Upstream.Attempts(prompt));
    }

    [Fact]
    public async Task A_silent_provider_is_asked_once_more_and_the_readers_get_the_state()
    {
        var prompt = Upstream.On(async request =>
        {
            if (request.Attempt == 1)
                await Task.Delay(Timeout.Infinite, request.Gone);
            await request.SayAsync("at last");
        });
        var id = await LlmSystem.GenerateAsync(A, prompt, "local");
        await using var reader = await LlmSystem.ReadAsync(B, id);

        Assert.Equal(["state", "token", "done"], reader.Events.Select(e => e.Event));
        var state = reader.Events.First().Json();
        Assert.Equal(("retrying", "timeout", 2), (state.Text("state"), state.Text("reason"), state.Number("attempt")));
        Assert.Equal(("done", "at last"), await LlmSystem.EndAsync(A, id));
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task An_error_that_the_provider_sends_in_mid_stream_ends_the_answer_and_keeps_its_text(string provider)
    {
        var prompt = Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("half");
            await request.EventsAsync(
                """{"type":"error","error":{"type":"overloaded_error","message":"too much for """
                    + KeyOf(provider)
                    + "\"}}"
            );
        });
        var id = await LlmSystem.GenerateAsync(A, prompt, provider);
        await using var reader = await LlmSystem.ReadAsync(B, id);

        Assert.Equal(["token", "error"], reader.Events.Select(e => e.Event));
        Assert.Contains("too much", reader.Events.Last().Data, StringComparison.Ordinal);
        Assert.DoesNotContain(LlmSystem.Key, reader.Events.Last().Data, StringComparison.Ordinal);
        Assert.Equal(("failed", "half"), await LlmSystem.EndAsync(A, id));
        Assert.Equal(1, Upstream.Attempts(prompt));
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public async Task A_provider_that_fails_is_tried_again_and_then_an_error_in_the_stream(string provider)
    {
        var prompt = Upstream.On(request => request.RefuseAsync(500, $"boom with {KeyOf(provider)} in it"));
        var printed = new ConcurrentQueue<string>(); // the replica keeps only its last lines
        A.Printed += printed.Enqueue;

        await using var reader = await LlmSystem.ChatAsync(A, prompt, provider).ToEndAsync();
        var error = Assert.Single(reader.Events);
        Assert.Equal(("error", true), (error.Event, error.Json().At("fatal").GetBoolean()));
        Assert.Contains("boom", error.Data, StringComparison.Ordinal);
        Assert.DoesNotContain(LlmSystem.Key, error.Data, StringComparison.Ordinal);
        Assert.Equal(3, Upstream.Attempts(prompt));

        // The end of a later stream is printed after everything about this one.
        await using var later = await SseReader.OpenAsync(A.Url, "/items/stream").ToEndAsync();
        await Eventually.HoldsAsync(
            () => printed.Any(line => line.Contains("/items/stream ended", StringComparison.Ordinal)),
            "the later stream's end is printed"
        );
        A.Printed -= printed.Enqueue;
        Assert.DoesNotContain(printed, line => line.Contains(LlmSystem.Key, StringComparison.Ordinal));
        // A provider may quote the prompt: its message is for the caller, not for the log.
        Assert.DoesNotContain(printed, line => line.Contains("boom", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("broken", "openai", "upstream")]
    [InlineData("stalled", "local", "timeout")]
    public async Task An_answer_that_stops_in_the_middle_keeps_its_text_and_says_why(
        string how,
        string provider,
        string reason
    )
    {
        var read = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var prompt = Upstream.On(async request =>
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
        var id = await LlmSystem.GenerateAsync(A, prompt, provider);
        await using var reader = await SseReader.OpenAsync(B.Url, LlmSystem.Stream(id)).ToEventsAsync(1);

        read.SetResult();
        await reader.WaitForEndAsync();
        Assert.Equal(["token", "error"], reader.Events.Select(e => e.Event));
        Assert.Equal(reason, reader.Events.Last().Json().Text("reason"));
        Assert.Equal(("failed", "half"), await LlmSystem.EndAsync(B, id));
        Assert.Equal(1, Upstream.Attempts(prompt));
    }

    [Theory]
    [InlineData("/sse/chat")]
    [InlineData("/sse/backpressure-chat")]
    [InlineData(Completions)]
    public async Task A_reader_that_drops_cancels_the_providers_request(string path)
    {
        var gone = new TaskCompletionSource();
        var prompt = Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokensUntilGoneAsync("tick ");
            gone.SetResult();
        });
        await using (await LlmSystem.OpenAsync(A, path, LlmSystem.VendorQuestion(prompt)).ToEventsAsync(3)) { }

        await gone.Task.WaitAsync(TimeSpan.FromMinutes(2), Stop);
    }

    [Fact]
    public async Task A_reader_that_pauses_stops_the_provider_and_gets_all_in_the_end()
    {
        // More than the buffers of the connections hold.
        const int count = 4_000;
        var (written, most) = (0, 0);
        var prompt = Upstream.On(async request =>
        {
            await request.StartAsync();

            for (var i = 0; i < count; i++)
            {
                await request.TokenAsync(Token(i));
                Volatile.Write(ref written, i + 1);
            }

            await request.EndAsync(count);
        });
        await using var reader = await LlmSystem.ChatAsync(A, prompt, "openai", "/sse/backpressure-chat");

        reader.Stall();

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

        reader.ReadOn();
        await reader.WaitForEndAsync();
        var (seen, paused, resumed, largest) = (0, false, false, 0L);

        foreach (var token in reader.Events.Where(e => e.Data![0] == '{'))
        {
            var data = token.Json();
            Assert.Equal(Token(seen++), data.Text("content"));
            largest = Math.Max(largest, data.Number("buffer_size"));

            if (data.At("paused").GetBoolean())
                paused = true;
            else
                resumed |= paused;
        }

        Assert.Equal(count, seen);
        Assert.True(paused && resumed, $"paused {paused}, resumed {resumed}");
        Assert.InRange(largest, 60, 100);

        static string Token(int index) => $"{index} ".PadRight(2_000);
    }

    [Fact]
    public async Task An_unknown_provider_is_named_in_a_400()
    {
        using var response = await LlmSystem.PostAsync(A, "/sse/chat", LlmSystem.Ask("x", "nobody"));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("Unsupported provider: nobody", await response.TextAsync(), StringComparison.Ordinal);
    }

    /// <summary>A provider's key; <c>local</c> has none to hide.</summary>
    private static string KeyOf(string provider) => provider == "local" ? "us" : LlmSystem.Key;
}
