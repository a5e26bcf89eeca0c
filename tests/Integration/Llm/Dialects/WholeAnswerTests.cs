using Integration.Seeds;

namespace Integration.Llm.Dialects;

/// <summary>Parts of an answer that are neither text nor calls, in each API that stores the answer or has nothing but
/// text.</summary>
public sealed class WholeAnswerTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string Png = "data:image/png;base64,AAAA",
        Source = "https://example.com/rome",
        Told = "[A file (image/png) that this API cannot show.]",
        Cited = "Rome. [Source: Rome, https://example.com/rome]";

    private static readonly string[] Answer =
    [
        $$$"""
            {"id":"c","choices":[{"index":0,"delta":{"content":"Rome.","annotations":[{"type":"url_citation",
            "url_citation":{"url":"{{{Source}}}","title":"Rome"}}]}}]}
            """.ReplaceLineEndings(""),
        $$$"""
            {"id":"c","choices":[{"index":0,"delta":{"images":[{"type":"image_url","image_url":{"url":"{{{Png}}}"}}]}}]}
            """.ReplaceLineEndings(""),
        """{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""",
        "[DONE]",
    ];

    [Fact]
    public async Task A_generation_tells_of_them_and_shows_them_to_clients_that_have_a_place()
    {
        var id = await LlmSystem.GenerateAsync(A, Upstream.On(request => request.EventsAsync(Answer)), "openai");
        await using var own = await LlmSystem.ReadAsync(B, id);
        var text = LlmSystem.Text(own.Events, "text");
        Assert.StartsWith(Cited, text, StringComparison.Ordinal);
        Assert.Contains(Told, text, StringComparison.Ordinal);
        Assert.All(own.Events, e => Assert.DoesNotContain("details", e.Data!, StringComparison.Ordinal));
        Assert.Equal(("done", text), await LlmSystem.EndAsync(A, id));

        await using var page = await SseReader
            .OpenAsync(B.Url, $"{LlmSystem.Stream(id)}?format=ui-messages")
            .ToEndAsync();
        var chunks = string.Join('\n', page.Events.Select(e => e.Data));
        Assert.Contains(
            $$"""{"type":"file","url":"{{Png}}","mediaType":"image/png"}""",
            chunks,
            StringComparison.Ordinal
        );
        Assert.Contains(
            $"\"source-url\",\"sourceId\":\"source-1\",\"url\":\"{Source}\"",
            chunks,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(Told, chunks, StringComparison.Ordinal);

        var response = await SeedRequests.GetAsync(B.Url, $"/v1/responses/resp_{id}");
        Assert.Contains(Told, response.Text("output.0.content.0.text"), StringComparison.Ordinal);
        Assert.Equal(Source, response.Text("output.0.content.0.annotations.0.url"));
    }

    [Theory]
    [InlineData("/sse/chat")]
    [InlineData("/sse/backpressure-chat")]
    public async Task An_answer_that_ends_with_its_request_tells_of_them(string path)
    {
        var prompt = Upstream.On(request => request.EventsAsync(Answer));
        await using var chat = await LlmSystem.ChatAsync(A, prompt, "openai", path).ToEndAsync();
        AssertTold(LlmSystem.Text(chat.Events, "content"));
    }

    [Fact]
    public async Task An_agent_tells_of_them()
    {
        var prompt = Upstream.On(request => request.EventsAsync(Answer));
        var path = $"/stream?provider=openai&prompt={Uri.EscapeDataString(prompt)}";
        await using var reader = await SseReader.OpenAsync(A.Url, path).ToEndAsync();
        AssertTold(LlmSystem.Text(reader.Events, "content"));
    }

    /// <summary>The event would be refused with its image, which is a mebibyte.</summary>
    [Fact]
    public async Task A_file_that_is_too_large_for_the_store_is_told_of()
    {
        var image = new string('A', 1024 * 1024);
        var chunk = Answer[1].Replace("AAAA", image, StringComparison.Ordinal);
        var prompt = Upstream.On(request => request.EventsAsync(chunk, Answer[2], Answer[3]));
        var id = await LlmSystem.GenerateAsync(A, prompt, "openai");
        await using var own = await LlmSystem.ReadAsync(B, id);
        Assert.Equal("done", own.Events.Last().Event);
        Assert.Contains(Told, LlmSystem.Text(own.Events, "text"), StringComparison.Ordinal);
    }

    private static void AssertTold(string text)
    {
        Assert.StartsWith(Cited, text, StringComparison.Ordinal);
        Assert.Contains(Told, text, StringComparison.Ordinal);
    }
}
