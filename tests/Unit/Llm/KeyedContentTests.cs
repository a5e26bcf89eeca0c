using System.Globalization;
using Harness;
using LlmGateway;
using LlmGateway.Providers;
using LlmGateway.Providers.Keyed;
using Microsoft.Extensions.AI;

namespace Unit.Llm;

/// <summary>Contents of keyed chat clients, which are passed on or fail the answer.</summary>
public sealed class KeyedContentTests
{
    public static TheoryData<AIContent> Others =>
        [
            new DataContent("data:image/png;base64,AAAA"),
            new UriContent("https://x.test/a.png", "image/png"),
            new HostedFileContent("file-1"),
            new ToolApprovalRequestContent("r", new FunctionCallContent("a", "pay")),
            new WebSearchToolCallContent("w"),
        ];

    [Theory]
    [MemberData(nameof(Others), DisableDiscoveryEnumeration = true)]
    public async Task Content_of_any_type_is_passed_on(AIContent content)
    {
        foreach (var reason in (ChatFinishReason?[])[null, ChatFinishReason.Stop])
        {
            var read = await ReadAsync(new ChatResponseUpdate(ChatRole.Assistant, [content]) { FinishReason = reason });
            Assert.Same(content, Assert.Single(read.SelectMany(update => update.Contents)));
            Assert.Equal(ChatFinishReason.Stop, read[^1].FinishReason);
        }
    }

    [Fact]
    public async Task A_request_for_an_approval_is_what_the_reason_of_calls_stands_for()
    {
        var asked = new ToolApprovalRequestContent("r", new FunctionCallContent("a", "pay"));
        var read = await ReadAsync(
            new ChatResponseUpdate(ChatRole.Assistant, [asked]) { FinishReason = ChatFinishReason.ToolCalls }
        );
        Assert.Same(asked, Assert.Single(read.SelectMany(update => update.Contents)));
    }

    [Fact]
    public async Task Sources_and_protected_reasoning_stay_with_their_contents()
    {
        var source = new CitationAnnotation { Url = new Uri("https://x.test") };
        var read = await ReadAsync(
            new ChatResponseUpdate(
                ChatRole.Assistant,
                [
                    new TextReasoningContent("hm") { ProtectedData = "opaque" },
                    new TextContent("Hello") { Annotations = [source] },
                ]
            )
        );
        var contents = read.SelectMany(update => update.Contents).ToList();
        Assert.Equal("hm", string.Concat(contents.OfType<TextReasoningContent>()));
        Assert.Single(contents.OfType<TextReasoningContent>(), one => one.ProtectedData == "opaque");
        var text = Assert.Single(contents.OfType<TextContent>());
        Assert.Equal(("Hello", source), (text.Text, Assert.Single(text.Annotations!)));
    }

    [Fact]
    public async Task Content_without_a_type_fails_the_answer_whatever_its_end_says()
    {
        var failure = await Assert.ThrowsAsync<UpstreamException>(() =>
            ReadAsync(
                new ChatResponseUpdate(ChatRole.Assistant, "Hello"),
                new ChatResponseUpdate(ChatRole.Assistant, [new AIContent { RawRepresentation = new Version() }])
                {
                    FinishReason = ChatFinishReason.Stop,
                }
            )
        );
        Assert.Contains("'Version'", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(8, 5, "8,1", "8,2", "8,5")]
    [InlineData(7, 9, "7,1", "7,9")]
    [InlineData(7, 10, "7,1", ",9")]
    [InlineData(7, 3, "7,", ",3")]
    [InlineData(7, 3, "7,0", "0,3")]
    public async Task Usage_so_far_replaces_and_usage_in_parts_adds_up(long input, long output, params string[] reports)
    {
        var read = await ReadAsync([
            new ChatResponseUpdate(ChatRole.Assistant, "Hello"),
            .. reports.Select(report => new ChatResponseUpdate { Contents = [new UsageContent(UsageOf(report))] }),
        ]);
        var last = read.SelectMany(update => update.Contents).OfType<UsageContent>().Last().Details;
        Assert.Equal((input, output), (last.InputTokenCount, last.OutputTokenCount));
    }

    [Theory]
    [InlineData("max_output_tokens", "incomplete", "length")]
    [InlineData("content_filter", "incomplete", "content_filter")]
    [InlineData(null, "cancelled", null)]
    public async Task An_incomplete_response_says_why(string? reason, string status, string? expected)
    {
        var raw = new StreamingResponseIncompleteUpdate(
            new Incomplete(reason is null ? null : new Details(reason), status)
        );
        var reading = ReadAsync(
            new ChatResponseUpdate(ChatRole.Assistant, "Hel"),
            new ChatResponseUpdate { RawRepresentation = raw }
        );
        if (expected is null)
            Assert.Contains(
                status,
                (await Assert.ThrowsAsync<UpstreamException>(() => reading)).Message,
                StringComparison.Ordinal
            );
        else
            Assert.Equal(expected, (await reading)[^1].FinishReason!.Value.Value);
    }

    private static UsageDetails UsageOf(string report)
    {
        var counts = report
            .Split(',')
            .Select(count => count.Length == 0 ? (long?)null : long.Parse(count, CultureInfo.InvariantCulture))
            .ToList();
        return new UsageDetails { InputTokenCount = counts[0], OutputTokenCount = counts[1] };
    }

    private static async Task<List<ChatResponseUpdate>> ReadAsync(params ChatResponseUpdate[] updates)
    {
        using var client = new KeyedChatClient(
            new ScriptedChatClient((_, _, _) => updates.ToAsyncEnumerable()),
            ProviderAnswers.Provider(new ProviderOptions(), new ManualTime(), "mine")
        );
        return await client
            .GetStreamingResponseAsync("x", cancellationToken: TestContext.Current.CancellationToken)
            .ToListAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>An event with the members of the one of OpenAI's package, which these tests do not have.</summary>
    private sealed record StreamingResponseIncompleteUpdate(Incomplete Response);

    private sealed record Incomplete(Details? IncompleteStatusDetails, string Status);

    private sealed record Details(string Reason);
}
