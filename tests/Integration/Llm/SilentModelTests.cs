using System.Net.Http.Json;
using System.Text.Json;

namespace Integration.Llm;

/// <summary>The vendors' streams begin before a silent model answers, and send heartbeats.</summary>
public sealed class SilentModelTests(SilentModelTests.Patient fixture) : IClassFixture<SilentModelTests.Patient>
{
    /// <summary>A replica with a short time between heartbeats.</summary>
    public sealed class Patient : SharedLlmSystem
    {
        protected override Dictionary<string, string> Settings
        {
            get
            {
                var settings = base.Settings;
                settings["Llm__PingSeconds"] = "1";
                settings["Llm__Providers__OpenAi__Retries"] = "0";
                settings.Remove("Llm__HeadMilliseconds"); // 250, as in Production
                return settings;
            }
        }
    }

    private static JsonContent Ask(string prompt) => JsonContent.Create(LlmSystem.VendorQuestion(prompt));

    private static bool IsAlive(Frame frame) => frame.Event == "ping" || frame is { Comment: not null, Data: null };

    [Theory]
    [InlineData("/v1/chat/completions", true)]
    [InlineData("/v1/chat/completions", false)]
    [InlineData("/v1/messages", true)]
    [InlineData("/v1/messages", false)]
    public async Task The_response_head_precedes_the_model_and_heartbeats_follow_until_its_first_token(
        string path,
        bool thinksBeforeItsHead
    )
    {
        var (upstream, system) = (fixture.Upstream, fixture.System);
        var thought = new TaskCompletionSource();
        var prompt = upstream.On(async request =>
        {
            if (thinksBeforeItsHead)
                await thought.Task.WaitAsync(request.Gone);
            await request.StartAsync();
            await request.TokenAsync("first ");
            if (!thinksBeforeItsHead)
                await thought.Task.WaitAsync(request.Gone);
            await request.TokenAsync("last");
            await request.EndAsync(2);
        });
        // Returns with the head, before the first token.
        await using var reader = await SseReader.OpenAsync(
            system.Replicas[0].Url,
            path,
            method: HttpMethod.Post,
            body: Ask(prompt)
        );
        await reader.WaitAsync(r => r.Frames.Count(IsAlive) >= 3);
        if (path == "/v1/messages")
            Assert.Equal("message_start", reader.Frames[0].Event);
        thought.SetResult();
        await reader.WaitForEndAsync();
        Assert.True(reader.EndedProperly);
        var data = reader
            .Frames.Where(f => f.Data is not null and not "[DONE]")
            .Select(f => JsonDocument.Parse(f.Data!).RootElement)
            .ToList();
        var text = string.Concat(
            data.Select(d =>
                path == "/v1/messages"
                    ? d.TryGetProperty("delta", out var delta) && delta.TryGetProperty("text", out var t)
                        ? t.GetString()
                        : ""
                    : d.GetProperty("choices") is var choices
                    && choices.GetArrayLength() > 0
                    && choices[0].GetProperty("delta").TryGetProperty("content", out var c)
                        ? c.GetString()
                        : ""
            )
        );
        Assert.Equal("first last", text);
        Assert.Equal(path == "/v1/messages" ? "message_stop" : null, reader.Frames[^1].Event);
    }

    [Theory]
    [InlineData("/v1/chat/completions")]
    [InlineData("/v1/messages")]
    public async Task A_refusal_after_the_head_is_an_error_frame_in_the_vendors_format(string path)
    {
        var (upstream, system) = (fixture.Upstream, fixture.System);
        var thought = new TaskCompletionSource();
        var prompt = upstream.On(async request =>
        {
            await thought.Task.WaitAsync(request.Gone);
            await request.RefuseAsync(429, "not today");
        });
        await using var reader = await SseReader.OpenAsync(
            system.Replicas[0].Url,
            path,
            method: HttpMethod.Post,
            body: Ask(prompt)
        );
        thought.SetResult();
        await reader.WaitForEndAsync();
        var last = reader.Frames[^1];
        Assert.Equal(path == "/v1/messages" ? "error" : null, last.Event);
        var error = JsonDocument.Parse(last.Data!).RootElement.GetProperty("error");
        Assert.Equal("rate_limit_error", error.GetProperty("type").GetString());
        Assert.Contains("not today", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/v1/chat/completions")]
    [InlineData("/v1/messages")]
    public async Task A_reader_that_leaves_while_the_model_thinks_ends_the_models_work(string path)
    {
        var (upstream, system) = (fixture.Upstream, fixture.System);
        var (asked, gone) = (new TaskCompletionSource(), new TaskCompletionSource());
        var prompt = upstream.On(async request =>
        {
            using var registration = request.Gone.Register(gone.SetResult);
            asked.SetResult();
            await gone.Task;
        });
        await using (
            var reader = await SseReader.OpenAsync(
                system.Replicas[0].Url,
                path,
                method: HttpMethod.Post,
                body: Ask(prompt)
            )
        )
        {
            await reader.WaitAsync(r => r.Frames.Any(IsAlive));
            // On a busy machine the head may come before the request reaches the provider.
            await asked.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        }
        await gone.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }
}
