using System.Text;
using System.Text.Json;
using LlmGateway.Providers;
using LlmGateway.Providers.Demo;
using Microsoft.Extensions.AI;

namespace Unit.Llm;

/// <summary>The cost of the demo model depends on its answer, not on the size of the prompt.</summary>
public sealed class DemoTests
{
    /// <summary>Far above the time of a bounded answer, far below the time of an unbounded one.</summary>
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    private const int Large = 4_000_000;

    private static readonly AIFunctionDeclaration Calculate = Tool(
        "calculate",
        "Sums.",
        """{"type":"object","properties":{"expression":{"type":"string"}}}"""
    );

    public static TheoryData<string> Prompts =>
        [Repeated("("), Repeated("1+"), Repeated("aaaa-"), Repeated("a "), Repeated("\u0301"), Repeated("語")];

    [Theory]
    [MemberData(nameof(Prompts), DisableDiscoveryEnumeration = true)]
    public async Task A_prompt_of_megabytes_is_answered_as_one_of_a_page(string prompt)
    {
        var tools = Enumerable
            .Range(0, 127)
            .Select(i => (AITool)Tool($"look_up_the_{i}_weather", "Keywords: rain, snow, wind.", "{}"))
            .Append(Calculate)
            .ToList();

        var text = await AnswerAsync(
            [new ChatMessage(ChatRole.User, prompt)],
            new ChatOptions { MaxOutputTokens = 100, Tools = tools }
        );
        Assert.True(text.Length < 20_000, $"{text.Length} characters");
    }

    [Fact]
    public async Task Repeated_results_of_a_call_are_bounded_in_the_answer()
    {
        var call = new FunctionCallContent("c", new string('n', 256));
        var results = Enumerable
            .Range(0, 40_000)
            .Select(_ => (AIContent)new FunctionResultContent("c", "15 degrees"))
            .ToList();

        var text = await AnswerAsync(
            [
                new ChatMessage(ChatRole.User, "hi"),
                new ChatMessage(ChatRole.Assistant, [call]),
                new ChatMessage(ChatRole.Tool, results),
            ],
            new ChatOptions()
        );
        Assert.InRange(DemoText.Count(text), 60, DemoText.MaxTokens);
    }

    [Fact]
    public async Task A_schema_of_megabytes_is_read_in_part()
    {
        var properties = string.Join(',', Enumerable.Range(0, 200_000).Select(i => $"\"p{i}id\":{{}}"));
        var tool = Tool(
            "look",
            "Keywords: " + string.Concat(Enumerable.Repeat("Keywords: ", 100_000)),
            """{"type":"object","properties":{""" + properties + "}}"
        );
        var options = new ChatOptions { Tools = [tool], ToolMode = ChatToolMode.RequireAny };
        var updates = await Task.Run(() =>
                Demo()
                    .GetStreamingResponseAsync([new ChatMessage(ChatRole.User, Repeated("word 1 "))], options)
                    .ToListAsync()
                    .AsTask()
            )
            .WaitAsync(Timeout);
        var call = updates.SelectMany(u => u.Contents).OfType<FunctionCallContent>().Single();

        Assert.InRange(call.Arguments!.Count, 1, 100);
    }

    [Theory]
    [InlineData("", 0)]
    [InlineData("one two  three", 4)]
    [InlineData("語語語語 and 🚆🚆 e\u0301\u0301 x", 6)]
    [InlineData("a\r\nb \r \ne\u0301 1\ufe0f\u20e3 \r\n", 5)]
    public void A_token_is_a_word_with_the_following_space_or_three_wide_characters(string text, int tokens) =>
        Assert.Equal(tokens, DemoText.Count(text));

    [Theory]
    [InlineData(5, "length")]
    [InlineData(120, "length")]
    [InlineData(4_000, "length")]
    [InlineData(9_000, "length")]
    [InlineData(null, "stop")]
    public async Task An_answer_that_reaches_its_limit_says_so(int? most, string reason)
    {
        var updates = await Demo()
            .GetStreamingResponseAsync(
                [new ChatMessage(ChatRole.User, "hi")],
                new ChatOptions { MaxOutputTokens = most }
            )
            .ToListAsync();
        Assert.Equal(reason, updates[^1].FinishReason?.Value);

        if (most is { } count)
            Assert.Equal(Math.Min(count, DemoText.MaxTokens), updates.Count(u => u.Text.Length > 0));
    }

    [Theory]
    [InlineData("one two three four five six seven eight nine ten")]
    [InlineData("what would you like to tell me of the events of today")]
    public async Task An_answer_to_ten_words_or_more_has_at_least_sixty_tokens_and_is_always_the_same(string prompt)
    {
        var first = await AskAsync();
        var second = await AskAsync();

        Assert.InRange(DemoText.Count(first), 60, DemoText.MaxTokens);
        Assert.Equal(first, second);

        Task<string> AskAsync() => AnswerAsync([new ChatMessage(ChatRole.User, prompt)], new ChatOptions());
    }

    [Theory]
    [InlineData("durable")]
    [InlineData("You asked: “x")]
    [InlineData("e")]
    public async Task A_stop_sequence_ends_the_answer_even_across_tokens(string stop)
    {
        var options = new ChatOptions { StopSequences = [stop, "", new string('z', 256)], MaxOutputTokens = 200 };
        var whole = await AnswerAsync(
            [new ChatMessage(ChatRole.User, "x durable x")],
            new ChatOptions { MaxOutputTokens = 200 }
        );
        var text = await AnswerAsync([new ChatMessage(ChatRole.User, "x durable x")], options);
        var at = whole.IndexOf(stop, StringComparison.Ordinal);

        Assert.InRange(text.Length, at, at + stop.Length - 1);
        Assert.StartsWith(text, whole, StringComparison.Ordinal);
    }

    private static async Task<string> AnswerAsync(IEnumerable<ChatMessage> messages, ChatOptions options)
    {
        var updates = await Task.Run(() => Demo().GetStreamingResponseAsync(messages, options).ToListAsync().AsTask())
            .WaitAsync(Timeout);
        return string.Concat(updates.Select(u => u.Text))
            + string.Concat(
                updates
                    .SelectMany(u => u.Contents)
                    .OfType<FunctionCallContent>()
                    .Select(c => JsonSerializer.Serialize(c.Arguments))
            );
    }

    private static DemoChatClient Demo() => new(new DemoOptions { TokensPerSecond = 0 }, TimeProvider.System);

    private static string Repeated(string part) =>
        new StringBuilder(Large).Insert(0, part, Large / part.Length).ToString();

    private static AIFunctionDeclaration Tool(string name, string description, string schema) =>
        AIFunctionFactory.CreateDeclaration(name, description, JsonElement.Parse(schema), null);
}
