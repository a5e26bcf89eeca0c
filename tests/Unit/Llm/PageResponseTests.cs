using System.Text.Json.Nodes;
using LlmGateway.Dialects;
using LlmGateway.Dialects.AgUi;
using LlmGateway.Dialects.UiMessages;
using LlmGateway.Generations;
using Microsoft.Extensions.AI;

namespace Unit.Llm;

/// <summary>A run as the clients of pages get it: calls that the application answers, and those that the page
/// does.</summary>
public sealed class PageResponseTests
{
    private static readonly ChatResponseUpdate Look = Of(new TextContent("I look. "), Call("c1"));
    private static readonly ChatResponseUpdate Seen = new(ChatRole.Tool, [new FunctionResultContent("c1", "seen")]);
    private static readonly ChatResponseUpdate Stopped = new() { FinishReason = ChatFinishReason.Stop };

    private static readonly RunHead Run = new(
        new RunName(GenerationName.Kind, new string('1', 32)),
        new StreamPosition("e", 1),
        DateTimeOffset.UnixEpoch,
        "demo",
        "demo"
    );

    /// <summary>AI SDK's <c>lastAssistantMessageIsCompleteWithToolCalls</c> looks at the last step, and would send the
    /// messages again.</summary>
    [Fact]
    public void What_follows_a_result_is_a_step_of_its_own()
    {
        var chunks = ChunksOf(Look, Seen, Of(new TextReasoningContent("So ")), Of(new TextContent("it is.")), Stopped);
        Assert.Equal(
            [
                "start",
                "start-step",
                "text-start",
                "text-delta",
                "text-end",
                "tool-input-available",
                "tool-output-available",
                "finish-step",
                "start-step",
                "reasoning-start",
                "reasoning-delta",
                "reasoning-end",
                "text-start",
                "text-delta",
                "text-end",
                "finish-step",
                "finish",
            ],
            Types(chunks)
        );
        Assert.Equal(2, Types(ChunksOf(Look, Seen, Of(Call("c2")))).Count(type => type == "start-step"));
    }

    [Fact]
    public void An_answer_that_ends_with_a_result_of_its_own_asks_for_nothing() =>
        Assert.Empty(LastStep(ChunksOf(Look, Seen, Stopped)));

    [Fact]
    public void The_step_of_a_call_that_the_page_has_to_answer_stays_the_last_one()
    {
        var chunks = ChunksOf(Look, Of(Call("c2")), Seen, new() { FinishReason = ChatFinishReason.ToolCalls });
        Assert.Equal(
            ["tool-input-available", "tool-input-available", "tool-output-available"],
            LastStep(chunks).Where(type => type.StartsWith("tool-", StringComparison.Ordinal))
        );
    }

    [Theory]
    [InlineData(GenerationEvents.Cancelled, "abort")]
    [InlineData("length", "finish")]
    [InlineData("content_filter", "finish")]
    public void A_page_has_no_call_to_run_of_an_answer_that_was_cancelled_or_cut(string finish, string last)
    {
        var chunks = ChunksOf(Look, new() { FinishReason = new ChatFinishReason(finish) });
        Assert.Equal("c1", (string?)Assert.Single(chunks, c => Type(c) == "tool-output-error")["toolCallId"]);
        Assert.Equal(last, Type(chunks[^1]));
        Assert.Empty(LastStep(chunks));
    }

    [Fact]
    public void A_page_has_no_call_to_run_of_an_answer_that_has_failed()
    {
        var response = new UiMessagesWriter(Run, continued: null);
        List<JsonObject> chunks =
        [
            .. response.Start(),
            .. response.Next(Look),
            .. response.Fail(new VendorError(503, "overloaded", "Too much.")),
        ];
        Assert.Equal("c1", (string?)Assert.Single(chunks, c => Type(c) == "tool-output-error")["toolCallId"]);
        Assert.Equal("error", Type(chunks[^1]));
        Assert.Empty(LastStep(chunks));
    }

    [Theory]
    [InlineData("tool_calls", "c1")]
    [InlineData("stop", "c1")]
    [InlineData("length", null)]
    [InlineData("content_filter", null)]
    [InlineData(GenerationEvents.Cancelled, null)]
    public void Only_an_answer_that_has_ended_as_its_model_meant_has_calls_that_are_pending(
        string finish,
        string? pending
    )
    {
        var server = new FunctionCallContent("c9", "search") { InformationalOnly = true };
        var events = EventsOf(Look, Of(server), new() { FinishReason = new ChatFinishReason(finish) });
        Assert.Equal(pending, events[^1]["outcome"]!["pendingToolCallIds"]?.AsArray().Single()!.GetValue<string>());
    }

    [Fact]
    public void Messages_with_ids_of_their_own_are_apart()
    {
        ChatResponseUpdate[] updates =
        [
            new(ChatRole.Assistant, "The capital ") { MessageId = "m1" },
            new(ChatRole.Assistant, "is Paris.") { MessageId = "m1" },
            new(ChatRole.Assistant, "Checked.") { MessageId = "m2" },
            new() { MessageId = "m2", FinishReason = ChatFinishReason.Stop },
        ];
        Assert.Equal(["The capital is Paris.", "Checked."], TextsOf(ChunksOf(updates), "id"));

        var events = EventsOf(updates);
        Assert.Equal(["The capital is Paris.", "Checked."], TextsOf(events, "messageId"));
        Assert.Equal(2, events.Count(e => Type(e) == "TEXT_MESSAGE_END"));

        // The messages of a tool loop have ids of their own too.
        var looped = EventsOf(
            new(ChatRole.Assistant, Look.Contents) { MessageId = "m1" },
            new(ChatRole.Tool, Seen.Contents) { MessageId = "t1" },
            new(ChatRole.Assistant, "It is.") { MessageId = "m2" }
        );
        Assert.Equal(
            [Run.Name.Id, $"{Run.Name.Id}-tool-1", $"{Run.Name.Id}-1"],
            looped.Select(e => (string?)e["messageId"]).OfType<string>().Distinct()
        );
    }

    [Fact]
    public void A_client_that_rejoins_in_the_second_message_goes_on_in_it()
    {
        ChatResponseUpdate[] soFar =
        [
            new(ChatRole.Assistant, "One.") { MessageId = "m1" },
            new(ChatRole.Assistant, "Tw") { MessageId = "m2" },
        ];
        var response = new AgUiWriter(Run, "t", "r", soFar, []);
        List<JsonObject> events =
        [
            .. response.Start(),
            .. soFar.SelectMany(response.Next),
            .. response.Next(new(ChatRole.Assistant, "o.") { MessageId = "m2" }),
        ];
        Assert.Equal(["One.", "Tw"], events[1]["messages"]!.AsArray().Select(message => (string?)message!["content"]));
        Assert.Equal(
            [("TEXT_MESSAGE_START", $"{Run.Name.Id}-1"), ("TEXT_MESSAGE_CONTENT", $"{Run.Name.Id}-1")],
            events.Skip(2).Select(e => (Type(e), (string?)e["messageId"]))
        );
    }

    /// <summary>The client puts each message where its first event came.</summary>
    [Fact]
    public void What_a_model_says_after_it_has_reasoned_or_called_again_is_a_message_of_its_own()
    {
        ChatResponseUpdate[] updates =
        [
            Of(new TextReasoningContent("R1")),
            Of(new TextContent("A")),
            Of(new TextReasoningContent("R2")),
            Of(new TextContent("B"), Call("c1"), new TextContent("C")),
            Of(new TextReasoningContent("R3"), Call("c2")),
        ];
        string[] expected = ["R1", "A", "R2", "B c1", "C", "R3", " c2"];
        var events = EventsOf([.. updates, Stopped]);
        Assert.Equal(expected, SaidBy(events));

        // One block is open at a time.
        Assert.Equal(
            ["REASONING_END", "TEXT_MESSAGE_END", "REASONING_END", "TEXT_MESSAGE_END", "TOOL_CALL_END"],
            Types(events)
                .Where(type => type.EndsWith("_END", StringComparison.Ordinal))
                .Where(type => !type.Contains("REASONING_MESSAGE", StringComparison.Ordinal))
                .Take(5)
        );

        var rejoined = new AgUiWriter(Run, "t", "r", updates, []);
        var messages = rejoined.Start()[1]["messages"]!.AsArray();
        Assert.Equal(
            expected,
            messages.Select(m => $"{m!["content"]}{(m["toolCalls"]?[0]!["id"] is { } id ? $" {id}" : "")}")
        );
    }

    /// <summary>Each id names the same place in a stream with a snapshot and in one without.</summary>
    [Fact]
    public void A_client_goes_on_after_any_id_without_a_lost_or_a_doubled_event()
    {
        ChatResponseUpdate[] updates =
        [
            Of(new TextReasoningContent("R1")),
            Of(new TextContent("A")),
            Look,
            Seen,
            Of(new TextContent("B")),
            Of(new TextContent("C"), new TextReasoningContent("R2")),
            Stopped,
        ];
        var whole = NumberedOf(new AgUiWriter(Run, "t", "r"), updates);
        Assert.Equal(whole.Select((_, n) => $"1-{n}"), whole.Select(e => e.Id));

        for (var cut = 0; cut < updates.Length; cut++)
        {
            var rejoined = NumberedOf(new AgUiWriter(Run, "t", "r", updates[..cut], []), updates);
            var start = rejoined.TakeWhile(e => e.Id is null).Count();
            Assert.True(start is > 0 and < 4);
            var place = whole.FindIndex(e => e.Id == rejoined[start].Id);
            Assert.Equal(
                whole.Skip(place + 1).Select(e => (e.Id, e.Event.ToJsonString())),
                rejoined.Skip(start + 1).Select(e => (e.Id, e.Event.ToJsonString()))
            );
        }
    }

    private static List<(string? Id, JsonObject Event)> NumberedOf(AgUiWriter writer, ChatResponseUpdate[] updates) =>
        [.. FramesOf(writer, updates).Select(frame => (writer.NextId(), frame))];

    private static FunctionCallContent Call(string id) => new(id, "look", new Dictionary<string, object?>());

    private static ChatResponseUpdate Of(params AIContent[] contents) => new(ChatRole.Assistant, contents);

    private static List<JsonObject> ChunksOf(params ChatResponseUpdate[] updates) =>
        FramesOf(new UiMessagesWriter(Run, continued: null), updates);

    private static List<JsonObject> EventsOf(params ChatResponseUpdate[] updates) =>
        FramesOf(new AgUiWriter(Run, "t", "r"), updates);

    private static List<JsonObject> FramesOf(AnswerWriter response, ChatResponseUpdate[] updates) =>
        [.. response.Start(), .. updates.SelectMany(response.Next), .. response.End()];

    private static string Type(JsonObject frame) => (string)frame["type"]!;

    private static IEnumerable<string> Types(IEnumerable<JsonObject> frames) => frames.Select(Type);

    /// <summary>Types of the parts of the last step that AI SDK's message has then.</summary>
    private static List<string> LastStep(List<JsonObject> chunks)
    {
        string[] marks = ["finish-step", "message-metadata", "finish", "abort", "error"];
        var last = chunks.FindLastIndex(chunk => Type(chunk) == "start-step");
        return [.. Types(chunks.Skip(last + 1)).Where(type => !marks.Contains(type))];
    }

    /// <summary>Texts and calls of the messages, in the order in which the messages begin.</summary>
    private static IEnumerable<string> SaidBy(IEnumerable<JsonObject> events) =>
        events
            .Where(e => e["delta"] is not null || e["parentMessageId"] is not null)
            .Where(e => Type(e) != "TOOL_CALL_ARGS")
            .GroupBy(e => (string?)(e["parentMessageId"] ?? e["messageId"]))
            .Select(said => string.Concat(said.Select(e => (string?)e["delta"] ?? $" {e["toolCallId"]}")));

    private static IEnumerable<string> TextsOf(IEnumerable<JsonObject> frames, string id) =>
        frames
            .Where(frame => frame["delta"] is not null)
            .GroupBy(frame => (string?)frame[id])
            .Select(texts => string.Concat(texts.Select(frame => (string?)frame["delta"])));
}
