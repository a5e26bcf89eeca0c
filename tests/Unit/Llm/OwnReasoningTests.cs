using System.Text.Json;
using System.Text.Json.Nodes;
using LlmGateway.Providers;
using LlmGateway.Providers.OpenAi;
using Microsoft.Extensions.AI;

namespace Unit.Llm;

/// <summary>Reasoning goes back to the provider that made it, and to no other.</summary>
public sealed class OwnReasoningTests
{
    private static readonly FunctionCallContent Pay = ToolCalls.Parse("c1", "pay", "{}");

    [Fact]
    public void Only_the_provider_that_made_a_reasoning_gets_it()
    {
        ChatMessage[] said =
        [
            new(ChatRole.Assistant, [Thought("mine"), Pay]),
            new(ChatRole.Assistant, [Thought("theirs"), new TextContent("Yes.")]),
            new(ChatRole.Assistant, [Thought("mine")]),
            new(ChatRole.Assistant, [new TextReasoningContent("Unmarked."), new TextContent("No.")]),
        ];
        foreach (var messages in (IList<ChatMessage>[])[said, Stored(said)])
        {
            var own = OwnReasoning.For("mine", messages);
            Assert.Equal(["So. mine", "Yes.", "No."], own.Select(TextOf));
            Assert.Equal(4, messages.Sum(message => message.Contents.OfType<TextReasoningContent>().Count()));
        }

        static string TextOf(ChatMessage message) =>
            string.Concat(message.Contents.Select(content => content is FunctionCallContent ? "" : $"{content}"));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("c2lnbmVk")]
    [InlineData("aspire-sse:")]
    [InlineData("aspire-sse:mine")]
    public void A_text_that_names_no_provider_is_no_reasoning(string? signature) =>
        Assert.Null(OwnReasoning.Unpack("So.", signature));

    /// <summary>DeepSeek needs it with calls, and its earlier models refuse it without.</summary>
    [Fact]
    public void Reasoning_as_text_comes_back_only_with_a_call()
    {
        var messages = Sent(
            new ChatMessage(ChatRole.Assistant, [new TextReasoningContent("So."), Pay]),
            new ChatMessage(ChatRole.Assistant, [new TextReasoningContent("So."), new TextContent("Yes.")])
        );
        Assert.Equal("So.", (string?)messages[0]!["reasoning_content"]);
        Assert.False(messages[1]!.AsObject().ContainsKey("reasoning_content"));
    }

    [Fact]
    public void Opaque_members_of_a_call_come_back_with_this_call_and_change_none_of_its_own()
    {
        var data =
            """{"tool_calls":[{"id":"c1","name":"steal","function":{"name":"steal"},"opaque":[1]},{"id":"c2"}]}""";
        var message = Sent(new ChatMessage(ChatRole.Assistant, [Protected("", data), Pay]))[0]!;
        var call = Assert.Single(message["tool_calls"]!.AsArray())!;
        Assert.Equal("[1]", call["opaque"]!.ToJsonString());
        Assert.Equal("pay", (string?)call["function"]!["name"]);
    }

    /// <summary>OpenRouter sends the signature of a text apart from the text.</summary>
    [Fact]
    public void Details_of_the_reasoning_come_back_with_the_text_that_they_sign()
    {
        var data = """{"reasoning_details":[{"type":"reasoning.text","signature":"s"}]}""";
        var message = Sent(new ChatMessage(ChatRole.Assistant, [Protected("So.", data), Pay]))[0]!;
        Assert.Equal(
            """[{"type":"reasoning.text","signature":"s","text":"So."}]""",
            message["reasoning_details"]!.ToJsonString()
        );
        Assert.False(message.AsObject().ContainsKey("reasoning_content"));
    }

    [Fact]
    public void Data_that_is_not_of_this_api_is_left_out()
    {
        var message = Sent(new ChatMessage(ChatRole.Assistant, [Protected("", "c2lnbmVk"), Pay]))[0]!;
        Assert.Equal(["content", "role", "tool_calls"], message.AsObject().Select(member => member.Key).Order());
    }

    private static JsonArray Sent(params ChatMessage[] messages) =>
        OpenAiRequest.Body(messages, new CallOptions(), isOpenAi: false)["messages"]!.AsArray();

    private static TextReasoningContent Thought(string provider) =>
        OwnReasoning.Unpack($"So. {provider}", OwnReasoning.Pack(provider, "data"))!;

    private static TextReasoningContent Protected(string text, string data) => new(text) { ProtectedData = data };

    /// <summary>The messages as a store returns them.</summary>
    private static List<ChatMessage> Stored(ChatMessage[] messages) =>
        JsonSerializer.Deserialize<List<ChatMessage>>(
            JsonSerializer.Serialize(messages.ToList(), AIJsonUtilities.DefaultOptions),
            AIJsonUtilities.DefaultOptions
        )!;
}
