using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using LlmGateway;
using LlmGateway.Dialects;
using LlmGateway.Dialects.ChatCompletions;
using LlmGateway.Dialects.Messages;
using LlmGateway.Generations;
using LlmGateway.Providers;
using LlmGateway.Providers.Anthropic;
using LlmGateway.Providers.OpenAi;
using LlmGateway.Requests;
using Microsoft.Extensions.AI;

namespace Unit.Llm;

/// <summary>
/// Answers with any JSON in any place. Each is read as complete, with one of four reasons and with calls that have
/// arguments, or it is the failure that has a name; also in the vendors' formats.
/// </summary>
public sealed class AnswerFuzzTests
{
    private static readonly string[] OpenAi =
    [
        """{"id":"c","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"Hel","""
            + """ "reasoning_content":"hm"},"finish_reason":null}],"usage":null}""",
        """{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","""
            + """ "type":"function","function":{"name":"f","arguments":"{\"x\":"}}]}}]}""",
        """{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}}]}""",
        """{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""",
        """{"id":"c","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"""
            + """ "prompt_tokens_details":{"cached_tokens":1}}}""",
    ];

    private static readonly string[] WholeOpenAi =
    [
        """{"id":"c","object":"chat.completion","choices":[{"index":0,"""
            + """ "message":{"role":"assistant","content":[{"type":"text","text":"Hello"}],"""
            + """ "tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},"""
            + """ "finish_reason":"stop"}],"usage":{"prompt_tokens":7}}""",
    ];

    private static readonly string[] Anthropic =
    [
        """{"type":"message_start","message":{"id":"m","model":"m","usage":{"input_tokens":7,"output_tokens":1}}}""",
        """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}""",
        """{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}""",
        """{"type":"content_block_stop","index":0}""",
        """{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"a","""
            + """ "name":"f","input":{}}}""",
        """{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"x\":1}"}}""",
        """{"type":"content_block_stop","index":1}""",
        """{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"""
            + """ "usage":{"output_tokens":9}}""",
        """{"type":"message_stop"}""",
    ];

    private static readonly string[] WholeAnthropic =
    [
        """{"type":"message","id":"m","content":[{"type":"text","text":"Hello"},{"type":"tool_use","""
            + """ "id":"a","name":"f","input":{"x":1}}],"stop_reason":"tool_use","""
            + """ "usage":{"input_tokens":7,"output_tokens":1}}""",
    ];

    /// <summary>Values that servers send, and others.</summary>
    private static readonly string[] Values =
    [
        "null",
        "\"\"",
        "\" \"",
        "\"x\"",
        "\"a\"",
        "\"{}\"",
        "\"{\\\"x\\\":1}\"",
        "\"\\ud83d\"",
        "\"{\\\"x\\\":\\\"\\\\ud83d\\\"}\"",
        "0",
        "-1",
        "1.5",
        "1e999",
        "99999999999999999999",
        "429",
        "true",
        "false",
        "{}",
        "[]",
        "[null]",
        "[{}]",
        "[[\"x\"]]",
        "{\"x\":1}",
        "{\"text\":{\"text\":\"x\"}}",
        "{\"message\":\"x\",\"code\":400}",
        "{\"x\":1,\"x\":2}",
        "\"stop\"",
        "\"length\"",
        "\"exploded\"",
        "\"error\"",
        "\"tool_use\"",
        "\"thinking\"",
        "\"message\"",
    ];

    private static readonly string[] Names =
    [
        "error",
        "detail",
        "message",
        "delta",
        "content",
        "text",
        "tool_calls",
        "function_call",
        "custom",
        "index",
        "id",
        "type",
        "usage",
        "finish_reason",
    ];

    /// <summary>Changes of an answer: the event, the member, and what becomes of it.</summary>
    private static readonly Gen<(int Event, int Member, int Value, int Name, int How)[]> Changes = Gen.Select(
        Gen.Int[0, 20],
        Gen.Int[0, 40],
        Gen.Int[0, Values.Length - 1],
        Gen.Int[0, Names.Length - 1],
        Gen.Int[0, 4]
    ).Array[1, 4];

    [Theory]
    [InlineData(nameof(OpenAi), false)]
    [InlineData(nameof(OpenAi), true)]
    [InlineData(nameof(WholeOpenAi), false)]
    [InlineData(nameof(WholeOpenAi), true)]
    [InlineData(nameof(Anthropic), false)]
    [InlineData(nameof(Anthropic), true)]
    [InlineData(nameof(WholeAnthropic), false)]
    [InlineData(nameof(WholeAnthropic), true)]
    public async Task Any_json_in_any_place_is_an_answer_with_a_known_end_or_the_failure_with_a_name(
        string form,
        bool isNative
    ) =>
        await Changes.SampleAsync(
            async changes =>
            {
                var events = form switch
                {
                    nameof(OpenAi) => OpenAi,
                    nameof(WholeOpenAi) => WholeOpenAi,
                    nameof(Anthropic) => Anthropic,
                    _ => WholeAnthropic,
                };
                var changed = Changed(events, changes);
                var body = form.StartsWith("Whole", StringComparison.Ordinal)
                    ? string.Concat(changed)
                    : string.Concat(changed.Select(e => $"data: {e}\n\n"))
                        + (changes.Length == 1 ? "" : "data: [DONE]\n\n");
                await ReadAsync(body, form.EndsWith("OpenAi", StringComparison.Ordinal), isNative);
            },
            iter: 2_000,
            threads: 1
        );

    private static async Task ReadAsync(string body, bool isOpenAi, bool isNative)
    {
        using var http = new HttpClient(new Saying(body));
        var options = new ProviderOptions { BaseUrl = "http://x", Retries = 0 };
        var upstream = new Upstream(ProviderAnswers.Provider(options), http);
        using IChatClient client = isOpenAi
            ? new OpenAiChatClient(upstream, isOpenAi: false)
            : new AnthropicChatClient(upstream);

        var native = isNative ? JsonElement.Parse("""{"messages":[]}""") : (JsonElement?)null;
        var call = new ChatCall(
            new ChatTarget(client, "local", "m"),
            [new ChatMessage(ChatRole.User, "x")],
            new CallOptions { ModelId = "m", NativeBody = native }
        );

        // A native answer is for its own vendor's clients; another one for both.
        List<VendorFormat> formats = [];
        if (isOpenAi || !isNative)
            formats.Add(ChatCompletionsWriter.Format);
        if (!isOpenAi || !isNative)
            formats.Add(MessagesWriter.Format);

        foreach (var format in formats)
        {
            try
            {
                var run = new RunHead(new RunName("chat", "1"), default, default, "local", "m");
                AnswerWriter response =
                    format == ChatCompletionsWriter.Format
                        ? new ChatCompletionsWriter(run, includeUsage: true, call)
                        : new MessagesWriter(run, call);
                var frames = response.Start().ToList();
                var updates = new List<ChatResponseUpdate>();

                await foreach (var update in call.StreamAsync(CancellationToken.None))
                {
                    updates.Add(update);
                    frames.AddRange(response.Next(update));
                }

                frames.AddRange(response.End());
                foreach (var frame in frames)
                    format.Frame(frame);
                response.Join(frames);
                response.ToJson().ToJsonString();
                IsComplete(updates);
            }
            catch (UpstreamException) { }
        }
    }

    private static void IsComplete(List<ChatResponseUpdate> updates)
    {
        var end = Assert.Single(updates, u => u.FinishReason is not null).FinishReason!.Value;
        Assert.Contains(end.Value, (string[])["stop", "length", "tool_calls", "content_filter"]);

        var calls = updates.SelectMany(u => u.Contents).OfType<FunctionCallContent>().ToList();
        Assert.Equal(calls.Count, calls.DistinctBy(call => call.CallId).Count());
        if (end != ChatFinishReason.ToolCalls)
            return;
        Assert.NotEmpty(calls);
        Assert.All(calls, call => Assert.NotEmpty(call.CallId));
        Assert.All(calls, call => Assert.NotEmpty(ToolCalls.Arguments(call).Trim()));
    }

    private static List<string> Changed(
        string[] events,
        (int Event, int Member, int Value, int Name, int How)[] changes
    )
    {
        var all = events.ToList();
        foreach (var (at, member, value, name, how) in changes)
        {
            if (all.Count == 0)
                break;
            var index = at % all.Count;
            if (how == 0)
                all.RemoveAt(index);
            else if (how == 1)
                all.Insert(index, all[member % all.Count]);
            else if (how == 2)
                all.Insert(index, Place(value));
            else
                all[index] = Replaced(all[index], member, Place(value), how == 3 ? null : Names[name]);
        }

        // As text and last, since a value may be no JSON that a node can hold.
        return
        [
            .. all.Select(e =>
                Enumerable
                    .Range(0, Values.Length)
                    .Aggregate(e, (text, n) => text.Replace(Place(n), Values[n], StringComparison.Ordinal))
            ),
        ];
    }

    private static string Place(int value) => $"\"PLACE {value}.\"";

    /// <summary>Replaces the value of a member by another one, or adds a member beside it.</summary>
    private static string Replaced(string json, int member, string value, string? name)
    {
        var root = JsonNode.Parse(json);
        var places = new List<(JsonObject Parent, string Name)>();
        Collect(root, places);
        if (places.Count == 0)
            return value;

        var (parent, known) = places[member % places.Count];
        parent[name ?? known] = JsonNode.Parse(value);
        return root!.ToJsonString();
    }

    private static void Collect(JsonNode? node, List<(JsonObject Parent, string Name)> places)
    {
        if (node is JsonArray list)
            foreach (var item in list)
                Collect(item, places);
        if (node is not JsonObject one)
            return;
        foreach (var (name, value) in one.ToList())
        {
            places.Add((one, name));
            Collect(value, places);
        }
    }

    /// <summary>A server that gives the same answer to all.</summary>
    private sealed class Saying(string body) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken
        ) =>
            Task.FromResult(
                new HttpResponseMessage(HttpStatusCode.OK)
                {
                    Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)),
                }
            );
    }
}
