using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
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
using Microsoft.Extensions.Logging.Abstractions;

namespace Unit.Llm;

/// <summary>Reads what a provider sends with its client, and writes it for clients of the same API.</summary>
internal static class ProviderAnswers
{
    public const string Stop = """{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""";
    public const string Hel = """{"choices":[{"index":0,"delta":{"content":"Hel"}}]}""";
    public const string Begin = """{"type":"message_start","message":{"id":"m1","usage":{"input_tokens":7}}}""";
    public const string Pixel = "data:image/png;base64,iVBORw0KGgo=";

    public static ModelProvider Provider(ProviderOptions options, TimeProvider? clock = null, string name = "local") =>
        new(name, options, clock ?? TimeProvider.System, NullLogger.Instance);

    public static Task<Answer> ReadAsync(string[] events, bool isOpenAi = true, bool isNative = false) =>
        ReadAsync(
            [Encoding.UTF8.GetBytes(string.Concat(events.Select(one => $"data: {one.Trim()}\n\n")))],
            isOpenAi,
            isNative
        );

    public static async Task<Answer> ReadAsync(
        byte[][] packets,
        bool isOpenAi = true,
        bool isNative = false,
        string type = "text/event-stream"
    )
    {
        using var http = new HttpClient(new Saying(packets, type));
        var options = new ProviderOptions { BaseUrl = "http://x", Retries = 0 };
        var upstream = new Upstream(Provider(options), http);
        using IChatClient client = isOpenAi
            ? new OpenAiChatClient(upstream, isOpenAi: false)
            : new AnthropicChatClient(upstream);
        var native = isNative ? JsonElement.Parse("""{"messages":[]}""") : (JsonElement?)null;
        var call = new ChatCall(
            new ChatTarget(client, "local", "m"),
            [new ChatMessage(ChatRole.User, "x")],
            new CallOptions { ModelId = "m", NativeBody = native }
        );

        var run = new RunHead(new RunName("chat", "1"), default, default, "local", "m");
        AnswerWriter response = isOpenAi
            ? new ChatCompletionsWriter(run, includeUsage: true, call)
            : new MessagesWriter(run, call);
        var updates = new List<ChatResponseUpdate>();
        try
        {
            var frames = response.Start().ToList();
            await foreach (var update in call.StreamAsync(TestContext.Current.CancellationToken))
            {
                updates.Add(update);
                frames.AddRange(response.Next(update));
            }

            frames.AddRange(response.End());
            response.Join(frames);
            return new Answer(updates, response.ToJson(), null);
        }
        catch (UpstreamException e)
        {
            return new Answer(updates, [], e);
        }
    }

    public static (string Text, string? End) Said(Answer answer) =>
        (
            Joined<TextContent>(answer),
            answer.Failure?.Message ?? answer.Updates.Single(u => u.FinishReason is not null).FinishReason!.Value.Value
        );

    public static string Joined<T>(Answer answer)
        where T : AIContent => string.Concat(Contents<T>(answer).Select(content => $"{content}"));

    public static List<T> Contents<T>(Answer answer) =>
        [.. answer.Updates.SelectMany(update => update.Contents).OfType<T>()];

    public static List<CitationAnnotation> Sources(Answer answer) =>
        [.. Contents<AIContent>(answer).SelectMany(one => one.Annotations ?? []).OfType<CitationAnnotation>()];

    public static string Calls(Answer answer) =>
        answer.Failure?.Message
        ?? string.Concat(
            Contents<FunctionCallContent>(answer).Select(call => $"{call.Name}({ToolCalls.Arguments(call)})")
        );

    public static string Sorted(JsonNode json, params string[] names)
    {
        Assert.Equal(names.Order(), json.AsObject().Select(member => member.Key).Order());
        return new JsonObject(names.Select(n => KeyValuePair.Create(n, json[n]?.DeepClone()))).ToJsonString();
    }

    public sealed record Answer(List<ChatResponseUpdate> Updates, JsonObject Whole, UpstreamException? Failure);

    /// <summary>A server that sends its answer in packets.</summary>
    private sealed class Saying(byte[][] packets, string type) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(
            HttpRequestMessage request,
            CancellationToken cancellationToken
        )
        {
            var rest = new Queue<byte[]>(packets.SelectMany(packet => packet.Chunk(64)));
            var body = new PacketStream(buffer =>
            {
                if (!rest.TryDequeue(out var packet))
                    return new(0);
                packet.CopyTo(buffer);
                return new(packet.Length);
            });
            var content = new StreamContent(body) { Headers = { ContentType = new(type) } };
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.OK) { Content = content });
        }
    }

    public static JsonNode Message(this JsonObject whole) => whole["choices"]![0]!["message"]!;
}
