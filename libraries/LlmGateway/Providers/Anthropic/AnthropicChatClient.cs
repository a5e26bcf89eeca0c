using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using static LlmGateway.Providers.WireJson;

namespace LlmGateway.Providers.Anthropic;

/// <summary>
/// Client of Anthropic's Messages API. It replaces the vendor's package for the reasons of
/// <see cref="OpenAi.OpenAiChatClient"/>.
/// </summary>
internal sealed class AnthropicChatClient(Upstream upstream, ProviderOptions options) : WireChatClient
{
    private readonly Uri _address = new(
        (options.BaseUrl.TrimEnd('/') is var url && url.EndsWith("/v1", StringComparison.Ordinal) ? url : url + "/v1")
            + "/messages"
    );

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? chat = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var body = Encoding.UTF8.GetBytes(AnthropicRequest.Body(messages, chat).ToJsonString());
        var answer = new Answer(upstream);
        await foreach (
            var one in upstream.ReadAsync(
                () => Request(body),
                ProviderDelay.Callback(chat),
                cancellationToken: cancellationToken
            )
        )
        {
            if (answer.Take(one) is { } update)
                yield return update;
            if (answer.IsOver)
                break;
        }
        yield return answer.End();
    }

    private HttpRequestMessage Request(byte[] body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, _address)
        {
            Content = new ByteArrayContent(body) { Headers = { ContentType = new("application/json") } },
        };
        request.Headers.Accept.ParseAdd("text/event-stream");
        request.Headers.Add("anthropic-version", "2023-06-01");
        if (options.ApiKey.Length > 0)
            request.Headers.TryAddWithoutValidation("x-api-key", options.ApiKey);
        return request;
    }

    /// <summary>
    /// Reads the events of one answer: <c>message_start</c>, blocks (<c>content_block_start</c>, <c>…_delta</c>,
    /// <c>…_stop</c>), <c>message_delta</c> with the stop reason, <c>message_stop</c>; <c>ping</c> at any time.
    /// </summary>
    private sealed class Answer(Upstream upstream)
    {
        private readonly List<FunctionCallContent> _calls = [];
        private readonly UsageDetails _usage = new();
        private (string Id, string Name, StringBuilder Json)? _call;
        private string? _id,
            _model,
            _stop;

        public bool IsOver { get; private set; }

        public ChatResponseUpdate? Take(JsonElement e)
        {
            switch (Text(e, "type"))
            {
                case "message_start" when Object(e, "message") is { } message:
                    (_id, _model) = (Text(message, "id"), Text(message, "model"));
                    TakeUsage(message);
                    break;
                case "content_block_start" when Object(e, "content_block") is { } block:
                    if (Text(block, "type") == "tool_use")
                        _call = (Text(block, "id") ?? "", Text(block, "name") ?? "", new StringBuilder());
                    else if (Text(block, "text") is { Length: > 0 } opening)
                        return Update(opening);
                    break;
                case "content_block_delta" when Object(e, "delta") is { } delta:
                    if (Text(delta, "text") is { Length: > 0 } text)
                        return Update(text);
                    if (_call is { } call)
                        call.Json.Append(Text(delta, "partial_json"));
                    break;
                case "content_block_stop" when _call is { } whole:
                    _calls.Add(ToolCalls.Parse(whole.Id, whole.Name, whole.Json.ToString()));
                    _call = null;
                    break;
                case "message_delta":
                    if (Object(e, "delta") is { } end)
                        _stop = Text(end, "stop_reason") ?? _stop;
                    TakeUsage(e);
                    break;
                case "message_stop":
                    IsOver = true;
                    break;
                case "error":
                    throw new UpstreamException(502, "upstream", upstream.ErrorMessage(e.GetRawText()));
            }
            return null;
        }

        public ChatResponseUpdate End()
        {
            if (_stop is null && !IsOver)
                throw new UpstreamException(
                    502,
                    "upstream",
                    "The answer is incomplete: the provider ended it without a stop reason."
                );
            var last = new ChatResponseUpdate
            {
                Role = ChatRole.Assistant,
                ResponseId = _id,
                ModelId = _model,
                FinishReason = _stop switch
                {
                    "max_tokens" => ChatFinishReason.Length,
                    "tool_use" => ChatFinishReason.ToolCalls,
                    "refusal" => ChatFinishReason.ContentFilter,
                    _ => ChatFinishReason.Stop,
                },
            };
            foreach (var call in _calls)
                last.Contents.Add(call);
            last.Contents.Add(new UsageContent(_usage));
            return last;
        }

        private ChatResponseUpdate Update(string text) =>
            new(ChatRole.Assistant, text) { ResponseId = _id, ModelId = _model };

        private void TakeUsage(JsonElement json)
        {
            if (Object(json, "usage") is not { } usage)
                return;
            if (Number(usage, "input_tokens") is { } input)
                _usage.InputTokenCount = input;
            if (Number(usage, "output_tokens") is { } output)
                _usage.OutputTokenCount = output;
        }
    }
}
