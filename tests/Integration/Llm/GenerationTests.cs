using System.Net;
using System.Text;
using Integration.Seeds;

namespace Integration.Llm;

/// <summary>Answers that outlive their readers, and the replicas that write them.</summary>
public sealed class GenerationTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    [Fact]
    public async Task A_reader_that_disconnects_twenty_times_has_the_providers_text_byte_for_byte()
    {
        var said = new StringBuilder();
        var returned = new TaskCompletionSource();
        var tokens = 0;
        var prompt = Upstream.On(async request =>
        {
            await request.StartAsync();

            // The answer is not over before the last return.
            for (var i = 0; i < 100 || !returned.Task.IsCompleted; i++)
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
        var id = await LlmSystem.GenerateAsync(A, prompt, "openai");
        var frames = new List<Frame>();
        string? last = null;
        for (var i = 0; i < 20; i++)
        {
            var replica = i % 2 == 0 ? A : B;
            await using var reader = await SseReader
                .OpenAsync(replica.Url, LlmSystem.Stream(id), last)
                .ToEventsAsync(1 + i % 3);
            frames.AddRange(reader.Events);
            last = reader.LastId;
        }

        await using (var rest = await SseReader.OpenAsync(B.Url, LlmSystem.Stream(id), last))
        {
            returned.SetResult();
            await rest.WaitForEndAsync();
            frames.AddRange(rest.Events);
            last = rest.LastId;
        }

        Assert.Equal(said.ToString(), LlmSystem.Text(frames, "text"));
        Assert.Same(frames[^1], Assert.Single(frames, f => f.Event == "done"));
        Assert.Equal(
            $$$"""{"finishReason":"stop","usage":{"inputTokens":7,"outputTokens":{{{tokens}}}}}""",
            frames[^1].Data
        );
        Assert.Equal(1, Upstream.Attempts(prompt));

        using var after = await SeedRequests.SendAsync(A.Url, HttpMethod.Get, LlmSystem.Stream(id), lastId: last);
        Assert.Equal(HttpStatusCode.NoContent, after.StatusCode);
    }

    [Fact]
    public async Task A_late_reader_and_a_second_one_get_the_same_frames_from_the_start()
    {
        const string question = "Please tell me in ten words or more what streams are";
        var id = await LlmSystem.GenerateAsync(A, question, maxTokens: 100);
        await using var early = await LlmSystem.ReadAsync(A, id);
        await using var late = await LlmSystem.ReadAsync(B, id);
        Assert.Equal(early.Events, late.Events);
        Assert.Equal(early.Frames.First(f => f.Id is not null).Id, late.Frames.First(f => f.Id is not null).Id);
    }

    [Fact]
    public async Task A_cancel_on_another_replica_reaches_the_provider_and_the_readers()
    {
        var gone = new TaskCompletionSource();
        var prompt = Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokensUntilGoneAsync("on and on ");
            gone.SetResult();
        });
        var id = await LlmSystem.GenerateAsync(A, prompt, "anthropic");
        await using var reader = await SseReader.OpenAsync(B.Url, LlmSystem.Stream(id)).ToEventsAsync(2);

        using (var response = await SeedRequests.SendAsync(B.Url, HttpMethod.Delete, $"/v1/generations/{id}"))
            Assert.True(response.IsSuccessStatusCode);

        await gone.Task.WaitAsync(TimeSpan.FromMinutes(2), Stop);
        await reader.WaitForEndAsync();
        var last = reader.Events.Last();

        Assert.Equal(("done", "cancelled"), (last.Event, last.Json().Text("finishReason")));
        Assert.Equal("cancelled", (await LlmSystem.StateAsync(A, id)).Text("status"));
    }

    [Fact]
    public async Task An_answer_without_readers_is_finished()
    {
        var id = await LlmSystem.GenerateAsync(A, "an answer for nobody");
        await using (await SseReader.OpenAsync(A.Url, LlmSystem.Stream(id)).ToEventsAsync(1)) { }
        await IsDoneAsync(id);
    }

    /// <summary>A replica that wakes up has tokens to store; the fence rejects them.</summary>
    [Fact]
    public async Task The_generations_of_a_dead_replica_are_interrupted_for_good()
    {
        await using var own = (await World.StartReplicaAsync(asProcess: true)).Process;
        var prompt = Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokensUntilGoneAsync("on and on ");
        });
        var id = await LlmSystem.GenerateAsync(own, prompt, "openai");
        await using var reader = await SseReader.OpenAsync(B.Url, LlmSystem.Stream(id)).ToEventsAsync(2);

        own.Freeze();
        await reader.WaitForEndAsync();
        var last = reader.Events.Last();

        Assert.Equal(
            ("error", true, "interrupted"),
            (last.Event, last.Json().At("fatal").GetBoolean(), last.Json().Text("reason"))
        );

        var state = await LlmSystem.EndAsync(B, id);
        Assert.Equal("interrupted", state.Status);

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
                using var question = LlmSystem.Ask("and now it works again");
                using var response = await LlmSystem.PostAsync(own, "/v1/generations", question);
                if (response.StatusCode == HttpStatusCode.ServiceUnavailable && response.Headers.RetryAfter is not null)
                    return false;
                other = (await response.JsonAsync()).Text("id")!;
                return true;
            },
            "it takes generations again"
        );
        await IsDoneAsync(other);

        await using var again = await LlmSystem.ReadAsync(B, id);
        Assert.Equal(reader.Events, again.Events);
        Assert.Equal(state, await LlmSystem.EndAsync(B, id));
    }

    [Fact]
    public async Task A_stopping_server_finishes_its_generations()
    {
        await using var own = await World.StartReplicaAsync(new() { ["AspireSse__Runs__DrainSeconds"] = "60" });
        var go = new TaskCompletionSource();
        var prompt = Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokenAsync("before ");
            await go.Task;
            await request.TokenAsync("after");
            await request.EndAsync(2);
        });

        var id = await LlmSystem.GenerateAsync(own, prompt, "openai");
        await using var reader = await SseReader.OpenAsync(own.Url, LlmSystem.Stream(id)).ToEventsAsync(1);
        await using var chat = await LlmSystem.ChatAsync(own, prompt, "openai").ToEventsAsync(1);
        var stopping = own.StopAsync(Stop);

        await reader.WaitForEndAsync();
        Assert.True(reader.EndedProperly);
        Assert.NotNull(reader.Frames[^1].Retry);

        go.SetResult();
        await chat.WaitForEndAsync();
        Assert.Equal("before after", LlmSystem.Text(chat.Events, "content"));
        await stopping;

        await using var rest = await LlmSystem.ReadAsync(B, id, reader.LastId);
        Assert.Equal(("after", "done"), (LlmSystem.Text(rest.Events, "text"), rest.Events.Last().Event));
    }

    private Task IsDoneAsync(string id) =>
        Eventually.HoldsAsync(async () => (await LlmSystem.EndAsync(B, id)).Status == "done", "it is done");
}
