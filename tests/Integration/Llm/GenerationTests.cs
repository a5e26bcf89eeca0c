using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace Integration.Llm;

/// <summary>Answers that outlive their readers, and the replicas that write them.</summary>
public sealed class GenerationTests(AssemblyWide<LlmSystem> shared) : IClassFixture<AssemblyWide<LlmSystem>>
{
    [Fact]
    public async Task A_reader_that_disconnects_twenty_times_has_the_providers_text_byte_for_byte()
    {
        var (said, returned, tokens) = (new StringBuilder(), new TaskCompletionSource(), 0);
        var prompt = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            // The answer is not over before the last return.
            for (var i = 0; i < 400 || !returned.Task.IsCompleted; i++)
            {
                var token = (i % 5) switch
                {
                    0 => "word ",
                    1 => "語",
                    2 => "😀\n",
                    3 => "\"\\ ",
                    _ => $"{i} ",
                };
                said.Append(token);
                await request.TokenAsync(token);
                tokens++;
                await Task.Delay(10, request.Gone);
            }
            await request.EndAsync(tokens);
        });
        var id = await LlmSystem.GenerateAsync(shared.World.A, prompt, "openai");
        var frames = new List<Frame>();
        string? last = null;
        for (var i = 0; i < 20; i++)
        {
            var replica = i % 2 == 0 ? shared.World.A : shared.World.B;
            await using var reader = await SseReader.OpenAsync(replica.Url, LlmSystem.Stream(id), last);
            await reader.WaitForEventsAsync(1 + i % 3);
            frames.AddRange(reader.Events);
            last = reader.LastId;
        }
        await using (var rest = await SseReader.OpenAsync(shared.World.B.Url, LlmSystem.Stream(id), last))
        {
            returned.SetResult();
            await rest.WaitForEndAsync();
            frames.AddRange(rest.Events);
            last = rest.LastId;
        }
        Assert.Equal(said.ToString(), LlmSystem.Text(frames, "text"));
        Assert.Equal("done", frames[^1].Event);
        Assert.Single(frames, f => f.Event == "done");
        Assert.Equal(
            $$$"""{"finishReason":"stop","usage":{"inputTokens":7,"outputTokens":{{{tokens}}}}}""",
            frames[^1].Data
        );
        Assert.Equal(1, shared.World.Upstream.Attempts(prompt));

        using var after = new HttpRequestMessage(HttpMethod.Get, new Uri(shared.World.A.Url, LlmSystem.Stream(id)));
        after.Headers.TryAddWithoutValidation("Last-Event-ID", last);
        using var response = await LlmSystem.Http.SendAsync(after);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
    }

    [Fact]
    public async Task A_late_reader_and_a_second_one_get_the_same_frames_from_the_start()
    {
        var id = await LlmSystem.GenerateAsync(
            shared.World.A,
            "Please tell me in ten words or more what streams are",
            maxTokens: 100
        );
        await using var early = await SseReader.OpenAsync(shared.World.A.Url, LlmSystem.Stream(id));
        await early.WaitForEndAsync();
        await using var late = await SseReader.OpenAsync(shared.World.B.Url, LlmSystem.Stream(id));
        await late.WaitForEndAsync();
        Assert.Equal(early.Events, late.Events);
        Assert.Equal(early.Frames.First(f => f.Id is not null).Id, late.Frames.First(f => f.Id is not null).Id);
    }

    [Fact]
    public async Task A_cancel_on_another_replica_reaches_the_provider_and_the_readers()
    {
        var gone = new TaskCompletionSource();
        var prompt = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokensUntilGoneAsync("on and on ");
            gone.SetResult();
        });
        var id = await LlmSystem.GenerateAsync(shared.World.A, prompt, "anthropic");
        await using var reader = await SseReader.OpenAsync(shared.World.B.Url, LlmSystem.Stream(id));
        await reader.WaitForEventsAsync(2);
        using (var response = await LlmSystem.Http.DeleteAsync(new Uri(shared.World.B.Url, $"/v1/generations/{id}")))
            Assert.True(response.IsSuccessStatusCode);
        await gone.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await reader.WaitForEndAsync();
        var last = reader.Events.Last();
        Assert.Equal("done", last.Event);
        Assert.Equal("cancelled", JsonDocument.Parse(last.Data!).RootElement.GetProperty("finishReason").GetString());
        Assert.Equal("cancelled", (await LlmSystem.StateAsync(shared.World.A, id)).GetProperty("status").GetString());
    }

    [Fact]
    public async Task An_answer_without_readers_is_finished()
    {
        var id = await LlmSystem.GenerateAsync(shared.World.A, "an answer for nobody");
        await using (var reader = await SseReader.OpenAsync(shared.World.A.Url, LlmSystem.Stream(id)))
            await reader.WaitForEventsAsync(1);
        await Eventually.HoldsAsync(
            async () => (await LlmSystem.StateAsync(shared.World.B, id)).GetProperty("status").GetString() == "done",
            "it is done"
        );
    }

    [Theory]
    [InlineData("killed")]
    [InlineData("frozen")]
    public async Task The_generations_of_a_dead_replica_are_interrupted_for_good(string fault)
    {
        await using var own = (await shared.World.System.StartReplicaAsync(asProcess: true)).Process;
        var prompt = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            for (var i = 0; ; i++)
            {
                await request.TokenAsync($"{i} ");
                await Task.Delay(20, request.Gone);
            }
        });
        var id = await LlmSystem.GenerateAsync(own, prompt, "openai");
        await using var reader = await SseReader.OpenAsync(shared.World.B.Url, LlmSystem.Stream(id));
        await reader.WaitForEventsAsync(2);
        if (fault == "killed")
            own.Kill();
        else
            own.Freeze();
        await reader.WaitForEndAsync();
        var last = reader.Events.Last();
        Assert.Equal("error", last.Event);
        var error = JsonDocument.Parse(last.Data!).RootElement;
        Assert.Equal(
            (true, "interrupted"),
            (error.GetProperty("fatal").GetBoolean(), error.GetProperty("reason").GetString())
        );
        var state = await LlmSystem.StateAsync(shared.World.B, id);
        Assert.Equal("interrupted", state.GetProperty("status").GetString());
        if (fault == "killed")
            return;

        // The replica wakes with tokens to store; the fence rejects them.
        own.Thaw();
        await Eventually.HoldsAsync(
            () => own.Output.Contains("another one has ended its runs", StringComparison.Ordinal),
            "it knows that it was away"
        );
        var other = "";
        await Eventually.HoldsAsync(
            async () =>
            {
                // A replica that has just woken up may answer 503 with Retry-After.
                using var response = await LlmSystem.Http.PostAsync(
                    new Uri(own.Url, "/v1/generations"),
                    LlmSystem.Ask("and now it works again")
                );
                if (response.StatusCode == HttpStatusCode.ServiceUnavailable && response.Headers.RetryAfter is not null)
                    return false;
                other = (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;
                return true;
            },
            "it takes generations again"
        );
        await Eventually.HoldsAsync(
            async () => (await LlmSystem.StateAsync(shared.World.B, other)).GetProperty("status").GetString() == "done",
            "a new one is finished"
        );
        await using var again = await SseReader.OpenAsync(shared.World.B.Url, LlmSystem.Stream(id));
        await again.WaitForEndAsync();
        Assert.Equal(reader.Events, again.Events);
        Assert.Equal(
            state.GetProperty("text").GetString(),
            (await LlmSystem.StateAsync(shared.World.B, id)).GetProperty("text").GetString()
        );
    }

    [Fact]
    public async Task A_stopping_server_finishes_its_generations()
    {
        await using var own = (
            await shared.World.System.StartReplicaAsync(new() { ["Runs__DrainSeconds"] = "60" }, asProcess: true)
        ).Process;
        var go = new TaskCompletionSource();

        var prompt = shared.World.Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("before ");
            await go.Task;
            await request.TokenAsync("after");
            await request.EndAsync(2);
        });

        var id = await LlmSystem.GenerateAsync(own, prompt, "openai");
        await using var reader = await SseReader.OpenAsync(own.Url, LlmSystem.Stream(id));
        await reader.WaitForEventsAsync(1);
        await using var chat = await LlmSystem.ChatAsync(own, prompt, "openai");
        await chat.WaitForEventsAsync(1);
        own.Terminate();
        await reader.WaitForEndAsync();
        Assert.True(reader.EndedProperly);
        Assert.NotNull(reader.Frames[^1].Retry);

        go.SetResult();
        await chat.WaitForEndAsync();
        Assert.Equal("before after", LlmSystem.Text(chat.Events, "content"));

        await own.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, own.ExitCode);

        await using var rest = await SseReader.OpenAsync(shared.World.B.Url, LlmSystem.Stream(id), reader.LastId);
        await rest.WaitForEndAsync();
        Assert.Equal("after", LlmSystem.Text(rest.Events, "text"));
        Assert.Equal("done", rest.Events.Last().Event);
    }
}
