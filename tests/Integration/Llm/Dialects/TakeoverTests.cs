using System.Text.Json;
using Harness;
using Integration.Seeds;

namespace Integration.Llm.Dialects;

/// <summary>Answers that go on at another replica.</summary>
public sealed class TakeoverTests
{
    private const string Responses = "/v1/responses",
        Agent = "/agents/ag-ui";

    /// <summary>The instructions and the context belong to it, and to no later turn.</summary>
    [Fact]
    public async Task An_answer_that_goes_on_elsewhere_has_all_that_its_question_had()
    {
        await using var own = await World.Start(o =>
            o.Replicas(2).Set("AspireSse:Runs:DrainSeconds", 1).Set("AspireSse:Llm:Providers:Demo:TokensPerSecond", 100)
        );
        var (stopping, staying) = (own.Replicas[0], own.Replicas[1]);
        var response = ResponseOf(tokens: 400);
        var run = RunOf("long", tokens: 400);
        await using var responding = await LlmSystem.OpenAsync(stopping, Responses, response);
        await using var running = await LlmSystem.OpenAsync(stopping, Agent, run);
        foreach (var reader in (SseReader[])[responding, running])
            await reader.WaitAsync(r => r.Events.Count() > 9);
        await own.StopAsync(stopping);

        var id = responding.Events.First().Json().Text("response.id")!;
        await using var frames = await LlmSystem.ReadAsync(staying, id["resp_".Length..]);
        Assert.Contains(frames.Events, e => e.Event == "restarted");
        var responded = await SeedRequests.GetAsync(staying.Url, $"{Responses}/{id}");
        var asked = await InputOfAsync(staying, Responses, ResponseOf(tokens: 3), "response.usage.input_tokens");
        Assert.Equal(asked, responded.Number("usage.input_tokens"));
        Assert.Equal(
            await InputOfAsync(staying, Agent, RunOf("short", tokens: 3), "usage.0.inputTokens"),
            await InputOfAsync(staying, Agent, run, "usage.0.inputTokens")
        );
    }

    /// <summary>The other replica takes the runs over only to end them.</summary>
    [Theory]
    [InlineData(20, 10)]
    [InlineData(0.01, 2)] // killed before the first token, so that nobody could go on with it
    public async Task A_cancel_of_a_run_whose_process_has_just_died_is_its_end_in_every_protocol(
        double tokensPerSecond,
        int events
    )
    {
        await using var own = await World.Start(o =>
            o.Replicas(1).Set("AspireSse:Llm:Providers:Demo:TokensPerSecond", tokensPerSecond)
        );
        var staying = own.Replicas[0];
        await using var dying = (await own.StartReplicaAsync(asProcess: true)).Process;
        await using var reader = await LlmSystem.OpenAsync(dying, Responses, ResponseOf(tokens: 4000));
        await reader.WaitAsync(r => r.Events.Count() >= events);
        var id = reader.Events.First().Json().Text("response.id")!["resp_".Length..];
        dying.Kill();

        using (var cancelled = await SeedRequests.SendAsync(staying.Url, HttpMethod.Delete, $"/v1/generations/{id}"))
            Assert.True(cancelled.IsSuccessStatusCode);
        await using var frames = await LlmSystem.ReadAsync(staying, id);
        var last = frames.Events.Last();
        Assert.Equal(("done", "cancelled"), (last.Event, last.Json().Text("finishReason")));
        Assert.Equal(events > 2, last.Json().Number("usage.outputTokens") > 0);
        Assert.Equal("cancelled", (await LlmSystem.StateAsync(staying, id)).Text("status"));
        Assert.Equal("cancelled", (await SeedRequests.GetAsync(staying.Url, $"{Responses}/resp_{id}")).Text("status"));

        foreach (var (format, end) in new[] { ("ui-messages", "\"abort\""), ("ag-ui", "\"cancelled\"") })
        {
            var path = $"{LlmSystem.Stream(id)}?format={format}";
            await using var shown = await SseReader.OpenAsync(staying.Url, path).ToEndAsync();
            Assert.Contains(shown.Events, e => e.Data!.Contains(end, StringComparison.Ordinal));
        }
    }

    /// <summary>Returns the input tokens in the last event of a stream.</summary>
    private static async Task<long> InputOfAsync(RunningService replica, string path, JsonElement body, string member)
    {
        await using var reader = await LlmSystem.OpenAsync(replica, path, body).ToEndAsync();
        return reader.Events.Last().Json().Number(member);
    }

    private static JsonElement ResponseOf(int tokens) =>
        JsonElement.Parse(
            $$"""
            {"model":"demo","instructions":"Be brief.","input":"Tell me of trains.","background":true,"stream":true,
            "max_output_tokens":{{tokens}}}
            """
        );

    private static JsonElement RunOf(string id, int tokens) =>
        JsonElement.Parse(
            $$$"""
            {"threadId":"thread","runId":"{{{id}}}","forwardedProps":{"model":"demo","max_tokens":{{{tokens}}}},
            "context":[{"description":"city","value":"Kyoto"}],
            "messages":[{"id":"m1","role":"user","content":"Tell me of trains."}]}
            """
        );
}
