using System.Text.Json.Nodes;
using LlmGateway;
using LlmGateway.Dialects;
using LlmGateway.Dialects.ChatCompletions;
using LlmGateway.Dialects.Messages;
using LlmGateway.Generations;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;

namespace Unit.Llm;

/// <summary>Runs for clients of Chat Completions and of Messages, which would run any call that they see.</summary>
public sealed class VendorRunTests
{
    private static readonly RunHead Run = new(
        new RunName("answers", "r1"),
        new StreamPosition("e", 1),
        DateTimeOffset.UnixEpoch,
        Provider: null,
        "m"
    );

    private static readonly ChatResponseUpdate[] Looked =
    [
        Of(new TextContent("I look. "), Call("c1"), Counted(7)),
        new(ChatRole.Tool, [new FunctionResultContent("c1", "seen")]),
        Of(new TextContent("It is."), Counted(4)),
        new() { FinishReason = ChatFinishReason.Stop },
    ];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_call_that_the_application_answers_is_not_shown_and_the_usage_is_that_of_all_rounds(bool isOpenAi)
    {
        var (text, calls, finish, tokens) = Shown(isOpenAi, Looked);
        Assert.Equal("I look. It is.", text);
        Assert.Empty(calls);
        Assert.Equal((isOpenAi ? "stop" : "end_turn", 11), (finish, tokens));
    }

    [Theory]
    [InlineData(true, "stop")]
    [InlineData(true, "tool_calls")]
    [InlineData(false, "stop")]
    [InlineData(false, "tool_calls")]
    public void A_call_without_a_result_is_the_clients_whatever_the_model_called_its_end(bool isOpenAi, string reason)
    {
        var (_, calls, finish, _) = Shown(
            isOpenAi,
            [.. Looked[..^1], Of(Call("c2")), new() { FinishReason = new ChatFinishReason(reason) }]
        );
        Assert.Equal("c2", Assert.Single(calls));
        Assert.Equal(isOpenAi ? "tool_calls" : "tool_use", finish);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_end_that_names_calls_without_any_is_a_stop(bool isOpenAi)
    {
        var (_, _, finish, _) = Shown(isOpenAi, [.. Looked[..^1], new() { FinishReason = ChatFinishReason.ToolCalls }]);
        Assert.Equal(isOpenAi ? "stop" : "end_turn", finish);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_cut_answer_has_no_call_to_run(bool isOpenAi)
    {
        var (_, calls, finish, _) = Shown(isOpenAi, [Of(Call("c2")), new() { FinishReason = ChatFinishReason.Length }]);
        Assert.Empty(calls);
        Assert.Equal(isOpenAi ? "length" : "max_tokens", finish);
    }

    /// <summary>Neither API has a word for it, and any other word would call the answer complete.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_cancelled_answer_is_an_error(bool isOpenAi)
    {
        var writer = WriterOf(isOpenAi);
        writer.Start();
        writer.Next(Looked[0]);
        writer.Next(new() { FinishReason = new ChatFinishReason(GenerationEvents.Cancelled) });
        var failure = Assert.Throws<UpstreamException>(writer.End);
        Assert.Equal((499, "The answer was cancelled."), (failure.Status, failure.Message));

        var error = Assert.Single(writer.Fail(VendorError.Of(failure)))["error"]!;
        Assert.Equal(isOpenAi ? "server_error" : "api_error", (string?)error["type"]);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_call_whose_arguments_nobody_can_read_is_a_failure_before_anything_ends(bool isOpenAi)
    {
        var writer = WriterOf(isOpenAi);
        writer.Start();
        writer.Next(Of(new TextContent("I look. "), ToolCalls.Parse("c1", "rm", """{"path":"/tmp""")));
        Assert.Throws<UpstreamException>(writer.End);
        Assert.Single(writer.Fail(VendorError.Internal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Its_frames_are_the_same_each_time(bool isOpenAi) =>
        Assert.Equal(Json(FramesOf(WriterOf(isOpenAi), Looked)), Json(FramesOf(WriterOf(isOpenAi), Looked)));

    /// <summary>The client would run it without the user.</summary>
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void A_call_that_waits_for_an_approval_is_not_the_clients(bool isOpenAi, bool isCallFirst)
    {
        ChatResponseUpdate[] asked = [Of(Call("c1")), Of(new ToolApprovalRequestContent("a1", Call("c1")))];
        var (text, calls, finish, _) = Shown(
            isOpenAi,
            [.. isCallFirst ? asked : asked.Reverse(), new() { FinishReason = ChatFinishReason.ToolCalls }]
        );
        Assert.Contains("A call of look waits for an approval", text, StringComparison.Ordinal);
        Assert.Empty(calls);
        Assert.Equal(isOpenAi ? "stop" : "end_turn", finish);
    }

    [Theory]
    [InlineData(true, "stop")]
    [InlineData(false, "end_turn")]
    public void An_end_that_the_vendor_has_no_word_for_is_told(bool isOpenAi, string expected)
    {
        var (text, _, finish, _) = Shown(
            isOpenAi,
            [Of(new TextContent("So.")), new() { FinishReason = new ChatFinishReason("weird") }]
        );
        Assert.Equal(("So.\n\n[The answer has ended for another reason: weird.]", expected), (text, finish));
    }

    private static (string Text, IEnumerable<string> Calls, string? Finish, long Tokens) Shown(
        bool isOpenAi,
        ChatResponseUpdate[] updates
    )
    {
        var writer = WriterOf(isOpenAi);
        writer.Join(FramesOf(writer, updates));
        var json = writer.ToJson();

        if (!isOpenAi)
        {
            var blocks = json["content"]!.AsArray().ToLookup(block => (string)block!["type"]!);
            return (
                string.Concat(blocks["text"].Select(block => (string?)block!["text"])),
                blocks["tool_use"].Select(block => (string)block!["id"]!),
                (string?)json["stop_reason"],
                (long)json["usage"]!["output_tokens"]!
            );
        }

        var choice = json["choices"]![0]!;
        var calls = choice["message"]!["tool_calls"]?.AsArray() ?? [];
        return (
            (string?)choice["message"]!["content"] ?? "",
            calls.Select(call => (string)call!["id"]!),
            (string?)choice["finish_reason"],
            (long)json["usage"]!["completion_tokens"]!
        );
    }

    private static AnswerWriter WriterOf(bool isOpenAi) =>
        isOpenAi ? new ChatCompletionsWriter(Run, includeUsage: true) : new MessagesWriter(Run);

    private static List<JsonObject> FramesOf(AnswerWriter writer, ChatResponseUpdate[] updates) =>
        [.. writer.Start(), .. updates.SelectMany(writer.Next), .. writer.End()];

    private static string Json(IEnumerable<JsonObject> frames) =>
        string.Join('\n', frames.Select(f => f.ToJsonString()));

    private static ChatResponseUpdate Of(params AIContent[] contents) => new(ChatRole.Assistant, contents);

    private static FunctionCallContent Call(string id) => new(id, "look", new Dictionary<string, object?>());

    private static UsageContent Counted(int tokens) => new(new UsageDetails { OutputTokenCount = tokens });
}
