using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using LlmGateway;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;

namespace Unit.Llm;

/// <summary>Each dialect shows each type of content that Microsoft.Extensions.AI has, or says that it cannot, or the
/// type is harmless. A type of a later version has no row yet, and fails here by its name.</summary>
public sealed class ShownContentTests
{
    private const string Unshown = "that this API cannot show.]";
    private const string Png = "data:image/png;base64,AAAA";
    private const string Link = "https://example.com/a.png";
    private const string Asked = "[A call of pay waits for an approval, for which this API cannot ask.]";

    private static readonly string[] Dialects =
    [
        "chat",
        "chat of a run",
        "messages",
        "messages of a run",
        "responses",
        "ui",
        "ag-ui",
    ];

    /// <summary>Rows of the table: the part of the frames that shows the content, or null if it is harmless.</summary>
    private static readonly Row[] Rows =
    [
        new(
            new TextContent("Yes."),
            """ "content":"Yes." """,
            Text("Yes."),
            Text("Yes."),
            Delta("Yes."),
            Delta("Yes.")
        ),
        new(
            new TextReasoningContent("So."),
            """ "reasoning_content":"So." """,
            """ "thinking":"So." """,
            """ {"type":"summary_text","text":"So."} """,
            """ "type":"reasoning-delta","id":"1","delta":"So." """,
            """ "type":"REASONING_MESSAGE_CONTENT","messageId":"r1-reasoning-1","delta":"So." """
        ),
        new(
            new FunctionCallContent("c1", "pay", new Dictionary<string, object?> { ["x"] = 1 }),
            """ "tool_calls":[{"index":0,"id":"c1","type":"function" """,
            """ {"type":"tool_use","id":"c1","name":"pay","input":{}} """,
            """ "call_id":"c1","name":"pay","arguments":"{\u0022x\u0022:1}" """,
            """ {"type":"tool-input-available","toolCallId":"c1","toolName":"pay","input":{"x":1}} """,
            """ {"type":"TOOL_CALL_START","toolCallId":"c1","toolCallName":"pay" """
        ),
        new(
            // Only pages show tools that they do not run.
            new FunctionResultContent("c1", "paid"),
            Chat: null,
            Messages: null,
            Responses: null,
            """ {"type":"tool-output-available","toolCallId":"c1","output":"paid"} """,
            """ "toolCallId":"c1","content":"paid","role":"tool" """
        ),
        new(
            new DataContent(Png),
            Unshown,
            Unshown,
            Unshown,
            $$""" {"type":"file","url":"{{Png}}","mediaType":"image/png"} """,
            $$""" {"type":"CUSTOM","name":"content","value":{"$type":"data","uri":"{{Png}}" """,
            AlsoAgUi: "[A file (image/png) " + Unshown
        ),
        new(
            new UriContent(Link, "image/png"),
            $"[A file (image/png): {Link}]",
            $"[A file (image/png): {Link}]",
            $"[A file (image/png): {Link}]",
            $$""" {"type":"file","url":"{{Link}}","mediaType":"image/png"} """,
            $$""" {"type":"CUSTOM","name":"content","value":{"$type":"uri","uri":"{{Link}}" """,
            AlsoAgUi: $"[A file (image/png): {Link}]"
        ),
        new(
            new ToolApprovalRequestContent("a1", new FunctionCallContent("c1", "pay")),
            Asked,
            Asked,
            Asked,
            """ {"type":"tool-approval-request","approvalId":"a1","toolCallId":"c1"} """,
            """ {"type":"CUSTOM","name":"content","value":{"$type":"toolApprovalRequest" """,
            AlsoAgUi: Asked
        ),
        .. Told("(a.pdf)", new HostedFileContent("f1") { Name = "a.pdf" }),
        .. Told("(hosted vector store)", new HostedVectorStoreContent("v1")),
        .. Told("(unknown)", new AIContent()),
        .. Told("(error)", new ErrorContent("Oh.")), // a run fails of it before it is written
        .. Told("(tool call)", new ToolCallContent("c1")),
        .. Told("(tool result)", new ToolResultContent("c1")),
        .. Told("(code interpreter tool call)", new CodeInterpreterToolCallContent("c1")),
        .. Told("(code interpreter tool result)", new CodeInterpreterToolResultContent("c1")),
        .. Told("(image generation tool call)", new ImageGenerationToolCallContent("c1")),
        .. Told("(image generation tool result)", new ImageGenerationToolResultContent("c1")),
        .. Told("(mcp server tool call)", new McpServerToolCallContent("c1", "pay", "bank")),
        .. Told("(mcp server tool result)", new McpServerToolResultContent("c1")),
        .. Told("(web search tool call)", new WebSearchToolCallContent("c1")),
        .. Told("(web search tool result)", new WebSearchToolResultContent("c1")),
        .. Told("(input request)", Hidden<InputRequestContent>("i1")),
        .. Told("(input response)", Hidden<InputResponseContent>("i1")),
        .. Told(
            "(tool approval response)",
            new ToolApprovalResponseContent("a1", approved: true, new FunctionCallContent("c1", "pay"))
        ),
        new(new UsageContent(new UsageDetails { OutputTokenCount = 7 }), null, null, null, null, null),
    ];

    private static readonly Row[] Notes =
    [
        new(
            Noted(new CitationAnnotation { Title = "Rome", Url = new Uri("https://example.com/rome") }),
            """ "annotations":[{"type":"url_citation","url_citation":{"start_index":0,"end_index":5, """
                + """ "url":"https://example.com/rome","title":"Rome"}}] """,
            " [Source: Rome, https://example.com/rome]",
            """ "annotations":[{"start_index":0,"end_index":5,"url":"https://example.com/rome", """
                + """ "title":"Rome","type":"url_citation"}] """,
            """ {"type":"source-url","sourceId":"source-1","url":"https://example.com/rome","title":"Rome"} """,
            " [Source: Rome, https://example.com/rome]"
        ),
        new(
            Noted(new AIAnnotation()),
            "[A note to the text (unknown) " + Unshown,
            "[A note to the text (unknown) " + Unshown,
            "[A note to the text (unknown) " + Unshown,
            "[A note to the text (unknown) " + Unshown,
            "[A note to the text (unknown) " + Unshown
        ),
    ];

    public static TheoryData<string, string> Pairs =>
        new(from dialect in Dialects from row in Rows.Concat(Notes) select (dialect, NameOf(row)));

    [Fact]
    public void Every_type_of_content_and_of_annotation_has_a_row()
    {
        Assert.Empty(NamesOf<AIContent>().Except(Rows.Select(NameOf)));
        Assert.Empty(NamesOf<AIAnnotation>().Except(Notes.Select(NameOf)));
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Each_dialect_shows_each_content_or_says_that_it_cannot(string dialect, string type)
    {
        var row = Rows.Concat(Notes).Single(known => NameOf(known) == type);
        var frames = WrittenAnswers.FramesOf(dialect, row.Content);
        if (row.In(dialect) is { } shown)
            Assert.Contains(shown, frames, StringComparison.Ordinal);
        else
            Assert.Equal(TypesOf(WrittenAnswers.FramesOf(dialect)), TypesOf(frames));

        if (dialect == "ag-ui" && row.AlsoAgUi is { } told)
            Assert.Contains(told, frames, StringComparison.Ordinal);
    }

    /// <summary>The image, and not that a tool has been there.</summary>
    [Fact]
    public void A_file_that_a_tool_of_the_models_server_has_made_is_a_file()
    {
        var result = new ImageGenerationToolResultContent("c1") { Outputs = [new DataContent(Png)] };
        Assert.Contains($"\"url\":\"{Png}\"", WrittenAnswers.FramesOf("ui", result), StringComparison.Ordinal);
        Assert.Contains(
            "[A file (image/png) " + Unshown,
            WrittenAnswers.FramesOf("responses", result),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("ui")]
    [InlineData("chat")]
    [InlineData("responses")]
    public void What_a_tool_has_written_beside_its_file_is_told(string dialect)
    {
        var result = new CodeInterpreterToolResultContent("c1")
        {
            Outputs = [new TextContent("42"), new DataContent(Png)],
        };
        var frames = WrittenAnswers.FramesOf(dialect, result);
        Assert.Contains(dialect == "ui" ? Png : "[A file (image/png) ", frames, StringComparison.Ordinal);
        Assert.Contains("(code interpreter tool result) " + Unshown, frames, StringComparison.Ordinal);
    }

    /// <summary>A page has a place for any word, and the vendors' clients have not.</summary>
    [Fact]
    public void Tokens_that_nobody_has_counted_are_estimated_where_the_api_needs_a_number()
    {
        var text = new TextContent("one two three");
        foreach (
            var (dialect, member) in ((string, string)[])
                [
                    ("messages of a run", "\"output_tokens\":"),
                    ("responses", "\"output_tokens\":"),
                    ("chat of a run with usage", "\"completion_tokens\":"),
                ]
        )
        {
            var last = WrittenAnswers.FramesOf(dialect, text).Split(member)[^1];
            Assert.True(int.Parse(last.Split(',', '}')[0], CultureInfo.InvariantCulture) > 0, dialect);
        }

        Assert.DoesNotContain("\"usage\":{", WrittenAnswers.FramesOf("ui", text), StringComparison.Ordinal);
        Assert.DoesNotContain("outputTokens", WrittenAnswers.FramesOf("ag-ui", text), StringComparison.Ordinal);
    }

    /// <summary>As OpenAI's package has them, after the text of a streamed item.</summary>
    [Fact]
    public void Sources_that_come_after_their_text_belong_to_it()
    {
        var source = new CitationAnnotation
        {
            Url = new Uri("https://example.com/rome"),
            AnnotatedRegions = [new TextSpanAnnotatedRegion { StartIndex = 4, EndIndex = 8 }],
        };
        var frames = WrittenAnswers.FramesOf(
            "responses",
            new TextContent("See Rome."),
            new AIContent { Annotations = [source] }
        );
        Assert.Contains("\"start_index\":4,\"end_index\":8", frames, StringComparison.Ordinal);
        Assert.DoesNotContain(
            "[",
            WrittenAnswers.FramesOf("ui", new AIContent { Annotations = [source] }),
            StringComparison.Ordinal
        );
    }

    /// <summary>Places count from the start of the content in Chat Completions, and of the last part in
    /// Responses.</summary>
    [Theory]
    [InlineData("chat", 0)]
    [InlineData("chat", 1)]
    [InlineData("chat", 2)]
    [InlineData("responses", 0)]
    [InlineData("responses", 1)]
    [InlineData("responses", 2)]
    public void The_place_of_a_source_is_one_in_the_text_also_after_a_break(string dialect, int kind)
    {
        AIContent between = kind switch
        {
            0 => new TextReasoningContent("So."),
            1 => new HostedFileContent("f1"),
            _ => new TextContent("And "),
        };
        var source = new CitationAnnotation
        {
            Url = new Uri("https://example.com/rome"),
            AnnotatedRegions = [new TextSpanAnnotatedRegion { StartIndex = 0, EndIndex = 4 }],
        };
        var text = new TextContent("Rome?") { Annotations = [source] };
        var frames = WrittenAnswers
            .FramesOf(dialect, new TextContent("Well."), between, text)
            .Split('\n')
            .Select(frame => JsonNode.Parse(frame)!)
            .ToList();

        var part = frames.LastOrDefault(frame => $"{frame["type"]}" == "response.content_part.done")?["part"];
        var said =
            $"{part?["text"]}"
            + string.Concat(frames.Select(frame => frame["choices"]?[0]?["delta"]?["content"]?.ToString()));
        var place =
            part?["annotations"]![0]
            ?? frames
                .Select(frame => frame["choices"]?[0]?["delta"]?["annotations"]?[0]?["url_citation"])
                .Single(one => one is not null);
        Assert.Equal("Rome", said[(int)place!["start_index"]!..(int)place["end_index"]!]);
    }

    /// <summary>An application's own run has one outcome, whoever reads it.</summary>
    [Fact]
    public void A_call_whose_arguments_nobody_can_read_fails_the_answer_in_each_dialect()
    {
        foreach (var dialect in Dialects)
        {
            var failure = Assert.Throws<UpstreamException>(() =>
                WrittenAnswers.FramesOf(
                    dialect,
                    ToolCalls.Parse("c1", "f", "{}"),
                    ToolCalls.Parse("c2", "g", """{"x":1,}""")
                )
            );
            Assert.Contains("arguments of g", failure.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("chat")]
    [InlineData("messages")]
    public void A_sentence_about_a_file_is_a_paragraph_of_its_own(string dialect)
    {
        var frames = WrittenAnswers.FramesOf(
            dialect,
            new TextContent("Look:"),
            new DataContent(Png),
            new TextContent("Nice?")
        );
        Assert.Contains("\"\\n\\n[A file (image/png) " + Unshown + "\"", frames, StringComparison.Ordinal);
        Assert.Contains("\"\\n\\nNice?\"", frames, StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_that_is_asked_has_the_call_before_and_has_to_answer_it()
    {
        var call = new FunctionCallContent("c1", "pay", new Dictionary<string, object?>());
        var types = TypesOf(WrittenAnswers.FramesOf("ui", call, new ToolApprovalRequestContent("a1", call)));
        Assert.Equal(
            ["start", "start-step", "tool-input-available", "tool-approval-request", "finish-step", "finish"],
            types
        );
    }

    /// <summary>A client that has asked for JSON must not parse it.</summary>
    [Fact]
    public void A_refusal_is_one_in_the_vendors_apis()
    {
        var chat = WrittenAnswers.FramesOf("chat", RefusalText.Of("I am sorry."));
        Assert.Contains("\"refusal\":\"I am sorry.\"", chat, StringComparison.Ordinal);
        Assert.DoesNotContain("\"content\":\"I", chat, StringComparison.Ordinal);

        var messages = WrittenAnswers.FramesOf("messages", RefusalText.Of("I am sorry."));
        Assert.Contains("\"text\":\"I am sorry.\"", messages, StringComparison.Ordinal);
        Assert.Contains("\"stop_reason\":\"refusal\"", messages, StringComparison.Ordinal);
    }

    private static string Text(string text) => $"\"text\":\"{text}\"";

    private static string Delta(string text) => $"\"delta\":\"{text}\"";

    private static TextContent Noted(AIAnnotation note) => new("Rome.") { Annotations = [note] };

    /// <summary>Only JSON makes contents of this type.</summary>
    private static T Hidden<T>(string id) =>
        (T)Activator.CreateInstance(typeof(T), BindingFlags.NonPublic | BindingFlags.Instance, null, [id], null)!;

    private static IEnumerable<Row> Told(string what, AIContent content)
    {
        var sentence = $"{what} {Unshown}";
        yield return new Row(content, sentence, sentence, sentence, sentence, sentence);
    }

    private static IEnumerable<string> NamesOf<T>() =>
        typeof(T)
            .Assembly.GetExportedTypes()
            .Where(type => type.IsAssignableTo(typeof(T)) && !type.IsAbstract)
            .Select(type => type.Name);

    private static string NameOf(Row row) =>
        (row.Content.Annotations is [var note] ? note.GetType() : row.Content.GetType()).Name;

    private static IEnumerable<string?> TypesOf(string frames) =>
        frames.Split('\n').Select(frame => (string?)JsonNode.Parse(frame)!["type"]);

    private sealed record Row(
        AIContent Content,
        string? Chat,
        string? Messages,
        string? Responses,
        string? Ui,
        string? AgUi,
        string? AlsoAgUi = null
    )
    {
        public string? In(string dialect) =>
            (
                dialect switch
                {
                    "chat" or "chat of a run" => Chat,
                    "messages" or "messages of a run" => Messages,
                    "responses" => Responses,
                    "ui" => Ui,
                    _ => AgUi,
                }
            )
                ?.Trim(' ')
                .Replace(",  \"", ",\"", StringComparison.Ordinal);
    }
}
