using System.Net;
using Harness;
using Integration.Seeds;

namespace Integration.Llm.Dialects;

/// <summary>Runs as another API shows them: <see cref="PlainDialect"/> stands for all.</summary>
public sealed class ProjectionTests : IAsyncLifetime
{
    private FakeUpstream _upstream = null!;
    private World _system = null!;

    private RunningService A => _system.Replicas[0];
    private RunningService B => _system.Replicas[1];

    public async ValueTask InitializeAsync()
    {
        _upstream = await FakeUpstream.StartAsync();
        _system = await World.Start(o =>
            o.Replicas(2)
                .Set(LlmSystem.Settings(_upstream))
                .Set(PlainDialect.Settings)
                .Set("AspireSse:Runs:DrainSeconds", 1)
        );
    }

    public async ValueTask DisposeAsync()
    {
        await _system.DisposeAsync();
        await _upstream.DisposeAsync();
    }

    [Fact]
    public async Task A_client_that_returns_anywhere_has_each_frame_once_and_the_same_as_everybody()
    {
        var count = 0;
        var hasAll = new TaskCompletionSource();
        var prompt = _upstream.On(async request =>
        {
            await request.StartAsync();
            for (; count < 60 || !hasAll.Task.IsCompleted; count++)
            {
                await request.TokenAsync($"word{count} 語 ");
                await Task.Delay(10, request.Gone);
            }

            await request.EndAsync(count);
        });

        var had = new List<string>();
        await using (var first = await AskAsync(prompt).ToEventsAsync(2))
            had.AddRange(Data(first));
        var id = Id(had[0]);

        for (var cut = 0; cut < 20; cut++)
        {
            await using var reader = await ReadAsync(cut % 2 == 0 ? B : A, id, had.Count).ToEventsAsync(1 + cut % 3);
            had.AddRange(Data(reader));
        }

        hasAll.SetResult();
        await using (var rest = await ReadAsync(B, id, had.Count).ToEndAsync())
        {
            Assert.True(rest.EndedProperly);
            had.AddRange(Data(rest));
        }

        foreach (var replica in (RunningService[])[A, B])
        {
            await using var whole = await ReadAsync(replica, id, skip: 0).ToEndAsync();
            Assert.Equal(had, Data(whole));
        }

        Assert.Equal(1, _upstream.Attempts(prompt));
        var all = id + string.Concat(Enumerable.Range(0, count).Select(n => $"word{n} 語 ")) + "(stop)";
        Assert.Equal(all, (await SeedRequests.GetAsync(B.Url, $"/plain/{id}/state")).Text("all"));
    }

    [Fact]
    public async Task A_replica_that_stops_breaks_the_body_and_the_client_goes_on_elsewhere()
    {
        var id = await LlmSystem.GenerateAsync(B, _upstream.Stopping(null, "half "), "openai");
        await using var reader = await ReadAsync(A, id, skip: 0).ToEventsAsync(2);

        await _system.StopAsync(A);
        await reader.WaitForEndAsync();
        Assert.False(reader.EndedProperly);

        var reading = ReadAsync(B, id, skip: 2).ToEndAsync();
        (await SeedRequests.SendAsync(B.Url, HttpMethod.Delete, $"/v1/generations/{id}")).Dispose();
        await using var rest = await reading;
        Assert.Equal("""{"n":2,"text":"(cancelled)"}""", Assert.Single(Data(rest)));
    }

    [Fact]
    public async Task A_run_that_fails_at_once_is_a_status_and_for_a_later_reader_a_frame()
    {
        var refused = _upstream.On(request => request.RefuseAsync(429, "slow down", "60"));
        using var response = await LlmSystem.PostAsync(A, "/plain", LlmSystem.Ask(refused, "openai"));
        Assert.Equal(
            (HttpStatusCode.TooManyRequests, TimeSpan.FromSeconds(60)),
            (response.StatusCode, response.Headers.RetryAfter?.Delta)
        );
        Assert.Equal("""{"failed":429,"code":"rate_limit_exceeded"}""", await response.TextAsync());

        var id = await LlmSystem.GenerateAsync(A, refused, "openai");
        await using var reader = await ReadAsync(B, id, skip: 1).ToEndAsync();
        Assert.True(reader.EndedProperly);
        Assert.Equal("""{"n":1,"text":"(429 rate_limit_exceeded)"}""", Assert.Single(Data(reader)));
        Assert.Equal($"{id}(429 rate_limit_exceeded)", (await StateAsync(id)).Text("all"));
    }

    [Fact]
    public async Task A_run_whose_replica_stopped_ends_as_interrupted()
    {
        var id = await LlmSystem.GenerateAsync(A, _upstream.Stopping(null, "half "), "openai");
        await using var reader = await ReadAsync(B, id, skip: 0).ToEventsAsync(2);
        await _system.StopAsync(A);
        await reader.WaitForEndAsync();
        Assert.Equal("""{"n":2,"text":"(503 interrupted)"}""", Data(reader).Last());
    }

    private Task<System.Text.Json.JsonElement> StateAsync(string id) =>
        SeedRequests.GetAsync(B.Url, $"/plain/{id}/state");

    private Task<SseReader> AskAsync(string prompt) =>
        SseReader.OpenAsync(A.Url, "/plain", method: HttpMethod.Post, body: LlmSystem.Ask(prompt, "openai"));

    private static Task<SseReader> ReadAsync(RunningService replica, string id, int skip) =>
        SseReader.OpenAsync(replica.Url, $"/plain/{id}?skip={skip}");

    private static string[] Data(SseReader reader) => [.. reader.Events.Select(e => e.Data!)];

    private static string Id(string frame) => System.Text.Json.JsonElement.Parse(frame).Text("text")!;
}
