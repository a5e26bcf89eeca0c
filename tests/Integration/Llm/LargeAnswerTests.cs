using System.Net;
using Integration.Seeds;

namespace Integration.Llm;

/// <summary>Answers beyond <c>AspireSse:Llm:Providers:local:MaxAnswerBytes</c>, as the reader sees them.</summary>
public sealed class LargeAnswerTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    [Fact]
    public async Task An_answer_that_is_too_large_is_cancelled_and_its_readers_are_told()
    {
        var prompt = Upstream.On(async request =>
        {
            await request.StartAsync();
            await request.TokensUntilGoneAsync(new string('x', 10_000));
        });
        // A run keeps the text before the limit.
        var id = await LlmSystem.GenerateAsync(A, prompt, "local");
        await using var reader = await LlmSystem.ReadAsync(B, id);
        var error = reader.Events.Last();

        Assert.Equal(("error", "too_large"), (error.Event, error.Json().Text("reason")));
        Assert.Contains(
            "AspireSse:Llm:Providers:local:MaxAnswerBytes",
            error.Json().Text("error"),
            StringComparison.Ordinal
        );
        var (status, text) = await LlmSystem.EndAsync(A, id);
        Assert.Equal("failed", status);
        Assert.InRange(text!.Length, 100_000, 200_000);

        // A whole answer is an error.
        var question = LlmSystem.VendorQuestion(prompt, "local/llama", stream: false);
        using var whole = await LlmSystem.PostAsync(A, Completions, question);
        var code = (await whole.JsonAsync()).Text("error.code");

        Assert.Equal((HttpStatusCode.BadGateway, "too_large"), (whole.StatusCode, code));
        Assert.Equal(2, Upstream.Attempts(prompt));
    }

    [Fact]
    public async Task A_whole_answer_counts_as_memory_of_its_client_until_it_is_sent()
    {
        await using var replica = await World.StartReplicaAsync(new() { ["Limits__HeldMegabytes"] = "1" });

        foreach (var path in (string[])[Completions, Messages])
        foreach (var model in (string[])["gpt-4o", "claude-sonnet-4-20250514"])
        {
            var gone = new TaskCompletionSource();
            var endless = Upstream.On(async request =>
            {
                await request.StartAsync();
                await request.TokensUntilGoneAsync(new string('x', 50_000));
                gone.TrySetResult();
            });
            using (var refused = await AskAsync(path, model, endless))
            {
                // It never fits: asking again is in vain.
                Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
                Assert.Null(refused.Headers.RetryAfter);
                Assert.Contains("AdmissionOptions.HeldBytes", await refused.TextAsync(), StringComparison.Ordinal);
            }

            await gone.Task.WaitAsync(TimeSpan.FromMinutes(2), Stop);

            // Its bytes are given back: an answer of 0.8 MB fits, once and once more.
            var fitting = Upstream.Saying([.. Enumerable.Repeat(new string('x', 50_000), 4)]);

            for (var time = 0; time < 2; time++)
                using (var whole = await AskAsync(path, model, fitting))
                    Assert.Equal(HttpStatusCode.OK, whole.StatusCode);
        }

        Task<HttpResponseMessage> AskAsync(string path, string model, string prompt) =>
            LlmSystem.PostAsync(replica, path, LlmSystem.VendorQuestion(prompt, model, stream: false));
    }

    [Fact]
    public async Task The_snapshot_of_a_run_that_a_client_rejoins_counts_as_its_memory()
    {
        await using var replica = await World.StartReplicaAsync(new() { ["Limits__HeldMegabytes"] = "1" });
        var run = new
        {
            threadId = Guid.NewGuid(),
            runId = "run",
            forwardedProps = new { provider = "openai" },
            messages = new[]
            {
                new { role = "user", content = Upstream.Saying([.. Enumerable.Repeat(new string('x', 50_000), 30)]) },
            },
        };
        await using (await LlmSystem.OpenAsync(A, "/agents/ag-ui", run).ToEndAsync()) { }

        using var refused = await LlmSystem.PostAsync(replica, "/agents/ag-ui", run);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, refused.StatusCode);
        var error = await refused.JsonAsync();
        Assert.Equal("RUN_ERROR", error.Text("type"));
        Assert.Contains("AdmissionOptions.HeldBytes", error.Text("message"), StringComparison.Ordinal);
    }
}
