using System.Text.Json;
using Harness;
using Integration.Seeds;

namespace Integration.Llm.Dialects;

/// <summary>The messages of an AG-UI run, for another device of its user.</summary>
public sealed class AgUiHistoryTests(AssemblyWide<LlmSystem> shared) : LlmTests(shared)
{
    private const string Agent = "/agents/ag-ui",
        Images =
            """
                {"type":"image","source":{"type":"url","value":"https://cdn.test/my%20photo.png?sig=a%2Bb"}},
                {"type":"image","source":{"type":"data","value":"AAAA","mimeType":"image/png"}}
                """;

    /// <summary>The context is the client's own state: each run gets it anew.</summary>
    [Fact]
    public async Task Another_device_goes_on_with_the_images_and_without_the_context()
    {
        var first = await AskAsync(A, "r1", "[QUESTION]");
        await using var rejoined = await LlmSystem
            .OpenAsync(B, Agent, JsonElement.Parse($$"""{"threadId":"{{first.Thread}}","runId":"r1","messages":[]}"""))
            .ToEndAsync();
        var snapshot = rejoined.Events.Single(e => e.Data!.Contains("MESSAGES_SNAPSHOT", StringComparison.Ordinal));
        var history = snapshot.Json().At("messages");
        Assert.Equal(["user", "assistant"], history.EnumerateArray().Select(message => message.Text("role")));
        Assert.True(JsonElement.DeepEquals(first.Question.At("content"), history.At("0.content")));

        var second = await AskAsync(B, "r2", history.GetRawText()[..^1] + ",QUESTION]");
        Assert.Equal(
            ["system", "user", "assistant", "user"],
            second.Seen.At("messages").EnumerateArray().Select(message => message.Text("role"))
        );
        Assert.Equal("page: state of the page", second.Seen.Text("messages.0.content"));
        Assert.Equal(
            ["https://cdn.test/my%20photo.png?sig=a%2Bb", "data:image/png;base64,AAAA"],
            ((int[])[1, 2]).Select(part => second.Seen.Text($"messages.1.content.{part}.image_url.url"))
        );
    }

    /// <summary>Runs the agent with messages in which <c>QUESTION</c> is a new one, of a text and images.</summary>
    private async Task<(string Thread, JsonElement Question, JsonElement Seen)> AskAsync(
        RunningService replica,
        string run,
        string messages
    )
    {
        JsonElement? seen = null;
        var prompt = Upstream.On(request =>
        {
            seen = request.Body;
            return request.SayAsync("a cat");
        });
        var thread = Guid.NewGuid().ToString();
        var question = $$"""
            {"id":"{{prompt}}","role":"user","content":[{"type":"text","text":"{{prompt}}"},{{Images}}]}
            """;
        var input = $$"""
            {"threadId":"{{thread}}","runId":"{{run}}","forwardedProps":{"provider":"openai"},
            "context":[{"description":"page","value":"state of the page"}],
            "messages":{{messages.Replace("QUESTION", question, StringComparison.Ordinal)}}}
            """;
        await using var reader = await LlmSystem.OpenAsync(replica, Agent, JsonElement.Parse(input)).ToEndAsync();
        return (thread, JsonElement.Parse(question), seen!.Value);
    }
}
