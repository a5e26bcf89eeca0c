using System.Text.Json;
using Integration.Seeds;

namespace Integration.Llm;

/// <summary>The vendors' streams begin before a silent model answers, and send heartbeats.</summary>
public sealed class SilentModelTests(SilentModelTests.Patient fixture) : IClassFixture<SilentModelTests.Patient>
{
    private const string Completions = "/v1/chat/completions",
        Messages = "/v1/messages";

    private FakeUpstream Upstream => fixture.Upstream;

    /// <summary>A replica with a short time between heartbeats.</summary>
    public sealed class Patient : SharedLlmSystem
    {
        protected override Dictionary<string, string> Settings
        {
            get
            {
                var settings = base.Settings;
                settings["AspireSse__Llm__PingSeconds"] = "1";
                settings["AspireSse__Llm__Providers__OpenAi__Retries"] = "0";
                settings.Remove("AspireSse__Llm__HeadMilliseconds"); // 250, as in Production
                return settings;
            }
        }
    }

    /// <summary>Returns with the head, before the model answers.</summary>
    private Task<SseReader> AskAsync(string path, string prompt) =>
        LlmSystem.OpenAsync(fixture.System.Replicas[0], path, LlmSystem.VendorQuestion(prompt));

    private static bool IsAlive(Frame frame) => frame.Event == "ping" || frame is { Comment: not null, Data: null };

    [Theory]
    [InlineData(Completions, true)]
    [InlineData(Completions, false)]
    [InlineData(Messages, true)]
    [InlineData(Messages, false)]
    public async Task The_response_head_precedes_the_model_and_heartbeats_follow_until_its_first_token(
        string path,
        bool thinksBeforeItsHead
    )
    {
        var thought = new TaskCompletionSource();
        var prompt = Upstream.On(async request =>
        {
            if (thinksBeforeItsHead)
                await thought.Task.WaitAsync(request.Gone);

            await request.StartAsync();
            await request.TokenAsync("first ");
            await thought.Task.WaitAsync(request.Gone);
            await request.TokenAsync("last");
            await request.EndAsync(2);
        });
        await using var reader = await AskAsync(path, prompt);

        await reader.WaitAsync(r => r.Frames.Count(IsAlive) >= 3);

        if (path == Messages)
            Assert.Equal("message_start", reader.Frames[0].Event);

        thought.SetResult();
        await reader.WaitForEndAsync();
        Assert.True(reader.EndedProperly);

        var data = reader.Frames.Where(f => f.Data is not null and not "[DONE]").Select(f => f.Json());
        Assert.Equal(
            "first last",
            string.Concat(data.Select(d => path == Messages ? MessageText(d) : CompletionText(d)))
        );
        Assert.Equal(path == Messages ? "message_stop" : null, reader.Frames[^1].Event);

        static string? MessageText(JsonElement data) =>
            data.TryGetProperty("delta", out var delta) && delta.TryGetProperty("text", out _)
                ? delta.Text("text")
                : "";

        static string? CompletionText(JsonElement data) =>
            data.Items("choices").FirstOrDefault() is { ValueKind: JsonValueKind.Object } choice
            && choice.At("delta").TryGetProperty("content", out var content)
                ? content.GetString()
                : "";
    }

    [Theory]
    [InlineData(Completions)]
    [InlineData(Messages)]
    public async Task A_refusal_after_the_head_is_an_error_frame_in_the_vendors_format(string path)
    {
        var thought = new TaskCompletionSource();
        var prompt = Upstream.On(async request =>
        {
            await thought.Task.WaitAsync(request.Gone);
            await request.RefuseAsync(429, "not today");
        });
        await using var reader = await AskAsync(path, prompt);

        thought.SetResult();
        await reader.WaitForEndAsync();
        var last = reader.Frames[^1];

        Assert.Equal(path == Messages ? "error" : null, last.Event);
        Assert.Equal("rate_limit_error", last.Json().Text("error.type"));
        Assert.Contains("not today", last.Json().Text("error.message"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Completions)]
    [InlineData(Messages)]
    public async Task A_reader_that_leaves_while_the_model_thinks_ends_the_models_work(string path)
    {
        var (asked, gone) = (new TaskCompletionSource(), new TaskCompletionSource());
        var prompt = Upstream.On(async request =>
        {
            using var registration = request.Gone.Register(gone.SetResult);
            asked.SetResult();
            await gone.Task;
        });
        var limit = TimeSpan.FromSeconds(30);

        await using (var reader = await AskAsync(path, prompt))
        {
            await reader.WaitAsync(r => r.Frames.Any(IsAlive));
            // On a busy machine the head may come before the request reaches the provider.
            await asked.Task.WaitAsync(limit, TestContext.Current.CancellationToken);
        }

        await gone.Task.WaitAsync(limit, TestContext.Current.CancellationToken);
    }
}
