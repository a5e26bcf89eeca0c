using System.Text.Json.Nodes;
using LlmGateway;
using LlmGateway.Dialects;
using LlmGateway.Dialects.Responses;
using LlmGateway.Generations;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;

namespace Unit.Llm;

/// <summary>The events of a response, made of the updates of its run alone.</summary>
public sealed class ResponsesWriterTests
{
    /// <summary>The types that OpenAI's JavaScript client knows; it dies of any other one.</summary>
    private static readonly string[] Known =
    [
        "error",
        "response.completed",
        "response.content_part.added",
        "response.content_part.done",
        "response.created",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.in_progress",
        "response.incomplete",
        "response.output_item.added",
        "response.output_item.done",
        "response.output_text.delta",
        "response.output_text.done",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
        "response.reasoning_summary_text.delta",
        "response.reasoning_summary_text.done",
    ];

    private static readonly ChatResponseUpdate[] Updates =
    [
        Of(new TextReasoningContent("I ")),
        Of(new TextReasoningContent("think.")),
        Of(new TextContent("Let me "), new TextContent("look.")),
        Of(new FunctionCallContent("c1", "find", new Dictionary<string, object?> { ["a"] = 1 })),
        Of(new FunctionCallContent("c2", "find")),
        Of(new TextContent("Done.")),
        new() { FinishReason = ChatFinishReason.Stop, Contents = [new UsageContent(new() { OutputTokenCount = 7 })] },
    ];

    [Fact]
    public void Events_are_numbered_from_0_of_known_types_and_in_the_same_bytes_each_time()
    {
        var events = EventsOf(Updates);
        Assert.Equal(
            Enumerable.Range(0, events.Count).Select(n => (long)n),
            events.Select(e => (long)e["sequence_number"]!)
        );
        Assert.All(events, e => Assert.Contains((string?)e["type"], Known));
        Assert.Equal(Json(events), Json(EventsOf(Updates)));
    }

    [Fact]
    public void Each_item_of_the_last_event_is_one_that_was_done()
    {
        var events = EventsOf(Updates);
        var done = events.Where(e => (string?)e["type"] == "response.output_item.done").Select(e => e["item"]!);
        var output = events[^1]["response"]!["output"]!.AsArray();
        Assert.Equal(Json(done), Json(output.OfType<JsonNode>()));
        Assert.Equal(
            ["reasoning", "message", "message", "function_call", "function_call"],
            output.Select(item => (string?)item!["type"])
        );
        Assert.All(output, item => Assert.Equal("completed", (string?)item!["status"]));
        Assert.Equal(output.Count, output.Select(item => (string?)item!["id"]).Distinct().Count());
    }

    [Theory]
    [InlineData("length", "response.incomplete", "incomplete", "max_output_tokens")]
    [InlineData("content_filter", "response.incomplete", "incomplete", "content_filter")]
    [InlineData(GenerationEvents.Cancelled, "response.incomplete", "cancelled", null)]
    [InlineData("tool_calls", "response.completed", "completed", null)]
    [InlineData("a word of its own", "response.completed", "completed", null)]
    public void The_reason_of_the_end_is_the_status(string finish, string type, string status, string? reason)
    {
        var updates = (ChatResponseUpdate[])[Updates[2], new() { FinishReason = new ChatFinishReason(finish) }];
        var last = EventsOf(updates)[^1];
        var response = last["response"]!;
        Assert.Equal(
            (type, status, reason),
            ((string?)last["type"], (string?)response["status"], (string?)response["incomplete_details"]?["reason"])
        );
        Assert.Equal(
            (
                finish == "a word of its own"
                    ? $"Let me look.\n\n[The answer has ended for another reason: {finish}.]"
                    : "Let me look.",
                status == "completed" ? status : "incomplete"
            ),
            ((string?)response["output"]![0]!["content"]![0]!["text"], (string?)response["output"]![0]!["status"])
        );
    }

    /// <summary>Its client would run them too, and ask again.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Calls_that_the_application_answers_are_no_items_whatever_comes_before_their_results(bool reasons)
    {
        AIContent between = reasons ? new TextReasoningContent("and the other") : new TextContent("and the other");
        var events = EventsOf([
            Of(Call("c1")),
            Of(between),
            Of(Call("c2"), new FunctionCallContent("c3", "search") { InformationalOnly = true }),
            Of(new FunctionResultContent("c1", "a")),
            Of(new FunctionResultContent("c2", "b")),
            Of(new TextContent("ok")),
            new() { FinishReason = ChatFinishReason.Stop },
        ]);
        Assert.DoesNotContain("function_call", Json(events), StringComparison.Ordinal);
        Assert.Equal(
            reasons ? ["reasoning", "message"] : ["message"],
            OutputOf(events).Select(item => (string?)item!["type"]).Distinct()
        );
    }

    /// <summary>Microsoft's client runs a call whatever the status of its item is.</summary>
    [Theory]
    [InlineData(GenerationEvents.Cancelled)]
    [InlineData("length")]
    [InlineData("content_filter")]
    public void An_answer_that_was_cancelled_or_cut_has_no_calls_to_run(string finish)
    {
        var events = EventsOf([
            Of(new TextContent("I look. "), Call("c1")),
            new() { FinishReason = ChatFinishReason.ToolCalls },
            new() { FinishReason = new ChatFinishReason(finish) },
        ]);
        Assert.DoesNotContain("function_call", Json(events), StringComparison.Ordinal);
        Assert.Single(OutputOf(events));
    }

    [Fact]
    public void A_failed_answer_has_no_calls_to_run()
    {
        var response = Response();
        response.Start();
        response.Next(Of(new TextContent("I look. "), Call("c1")));
        response.Fail(new VendorError(503, "overloaded", "Too much."));
        Assert.Equal("message", (string?)Assert.Single(response.ToJson()["output"]!.AsArray())!["type"]);
    }

    /// <summary>Microsoft's client would run the tool without arguments.</summary>
    [Fact]
    public void A_call_whose_arguments_nobody_can_read_is_a_failure()
    {
        var response = Response();
        response.Start();
        response.Next(Of(new TextContent("I look. "), ToolCalls.Parse("c1", "rm", """{"path":"/tmp""")));
        var failure = Assert.Throws<UpstreamException>(response.End);
        Assert.Equal("The answer is incomplete: the arguments of rm are no JSON object.", failure.Message);

        var error = Assert.Single(response.Fail(VendorError.Of(failure)));
        Assert.Equal(8, (long)error["sequence_number"]!);
        Assert.Equal("failed", (string?)response.ToJson()["status"]);
        Assert.DoesNotContain("function_call", response.ToJson().ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Messages_with_ids_or_authors_of_their_own_are_items_of_their_own()
    {
        var events = EventsOf([
            new(ChatRole.Assistant, "The capital ") { MessageId = "m1", AuthorName = "Geo" },
            new(ChatRole.Assistant, "is "),
            new(ChatRole.Assistant, "Paris.") { MessageId = "m1", AuthorName = "Geo" },
            new(ChatRole.Assistant, "Checked.") { MessageId = "m2", AuthorName = "Reviewer" },
            new(ChatRole.Assistant, "Yes.") { AuthorName = "Geo" },
        ]);
        Assert.Equal(
            ["The capital is Paris.", "Checked.", "Yes."],
            OutputOf(events).Select(item => (string?)item!["content"]![0]!["text"])
        );
    }

    [Fact]
    public void A_failure_is_one_event_for_a_reader_and_a_state_with_the_text_so_far()
    {
        var response = Response();
        response.Start();
        response.Next(Updates[2]);
        var error = Assert.Single(response.Fail(new VendorError(503, "overloaded", "Too much.")));
        Assert.Equal(
            """{"type":"error","sequence_number":6,"code":"overloaded","message":"Too much.","param":null,"""
                + """ "error":{"message":"Too much.","type":"server_error","param":null,"code":"overloaded"}}""".Trim(),
            error.ToJsonString()
        );

        var state = response.ToJson();
        Assert.Equal(
            ("failed", "overloaded", "Let me look."),
            (
                (string?)state["status"],
                (string?)state["error"]!["code"],
                (string?)state["output"]![0]!["content"]![0]!["text"]
            )
        );
    }

    [Fact]
    public void A_text_that_grows_is_a_part_of_the_state()
    {
        var response = Response();
        response.Start();
        response.Next(Updates[0]);
        response.Next(Updates[2]);
        var state = response.ToJson();
        Assert.Equal("in_progress", (string?)state["status"]);
        Assert.Equal(
            [("I ", "completed"), ("Let me look.", "in_progress")],
            state["output"]!
                .AsArray()
                .Select(item => ((string?)(item!["summary"] ?? item["content"])![0]!["text"], (string?)item["status"]))
        );
    }

    private static FunctionCallContent Call(string id) => new(id, "look", new Dictionary<string, object?>());

    private static JsonArray OutputOf(List<JsonObject> events) => events[^1]["response"]!["output"]!.AsArray();

    private static ChatResponseUpdate Of(params AIContent[] contents) => new(ChatRole.Assistant, contents);

    private static List<JsonObject> EventsOf(IEnumerable<ChatResponseUpdate> updates)
    {
        var response = Response();
        return [.. response.Start(), .. updates.SelectMany(response.Next), .. response.End()];
    }

    private static string Json(IEnumerable<JsonNode> nodes) => string.Join('\n', nodes.Select(n => n.ToJsonString()));

    private static ResponsesWriter Response() =>
        new(
            new RunHead(
                new RunName(GenerationName.Kind, new string('1', 32)),
                new StreamPosition("e", 1),
                DateTimeOffset.UnixEpoch,
                "demo",
                "demo"
            ),
            prompt: null
        );
}
