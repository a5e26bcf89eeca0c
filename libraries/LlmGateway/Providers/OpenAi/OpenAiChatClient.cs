using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using static LlmGateway.Providers.WireJson;

namespace LlmGateway.Providers.OpenAi;

/// <summary>
/// Client of OpenAI and of compatible servers (<c>local</c>). It replaces the vendor's package, which fails at the
/// first malformed line and retries by itself.
/// </summary>
internal sealed class OpenAiChatClient(Upstream upstream, ProviderOptions options, bool isOpenAi) : StreamedChatClient
{
    private readonly Uri _address = new(options.BaseUrl.TrimEnd('/') + "/chat/completions");

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? chat = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var body = Encoding.UTF8.GetBytes(OpenAiRequest.Body(messages, chat, isOpenAi).ToJsonString());
        var call = chat as CallOptions;
        var answer = new Answer(upstream, isNative: call?.NativeBody is not null);
        await foreach (
            var chunk in upstream.ReadAsync(() => Request(body), call?.OnDelay, answer.Done, cancellationToken)
        )
            if (answer.Take(chunk) is { } update)
                yield return update;

        yield return answer.End();
    }

    private HttpRequestMessage Request(byte[] body)
    {
        var request = Upstream.Post(_address, body);
        if (options.ApiKey.Length > 0)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", options.ApiKey);
        return request;
    }

    /// <summary>
    /// Reads the chunks of one answer:
    /// <code>
    /// {"id":"…","model":"…","choices":[{"delta":{"content":"Hel"},"finish_reason":null}],"usage":null}
    /// </code>
    /// </summary>
    private sealed class Answer(Upstream upstream, bool isNative)
    {
        private readonly SortedDictionary<int, (string Id, string Name, StringBuilder Arguments)> _calls = [];
        private UsageDetails? _usage;
        private string? _id,
            _model,
            _finish;

        public ChatResponseUpdate? Take(JsonElement chunk)
        {
            if (upstream.ErrorIn(chunk) is { } error)
                throw error;

            _id ??= Text(chunk, "id");
            _model ??= Text(chunk, "model");

            if (Object(chunk, "usage") is { } usage)
                TakeUsage(usage);

            var text = TextOf(chunk);
            return text is null && !isNative
                ? null
                : new ChatResponseUpdate(ChatRole.Assistant, text)
                {
                    ResponseId = _id,
                    ModelId = _model,
                    RawRepresentation = isNative ? JsonObject.Create(chunk.Clone()) : null,
                };
        }

        /// <summary>Accepts <c>[DONE]</c> as the end of an answer without a finish reason.</summary>
        public void Done() => _finish ??= "stop";

        public ChatResponseUpdate End()
        {
            if (_finish is null)
                throw new UpstreamException(
                    502,
                    "upstream",
                    "The answer is incomplete: the provider ended it without a finish reason."
                );

            var last = new ChatResponseUpdate
            {
                Role = ChatRole.Assistant,
                ResponseId = _id,
                ModelId = _model,
                FinishReason = new ChatFinishReason(_finish == "function_call" && !isNative ? "tool_calls" : _finish),
            };
            foreach (var (id, name, arguments) in _calls.Values)
                last.Contents.Add(ToolCalls.Parse(id, name, arguments.ToString()));
            if (_usage is not null)
                last.Contents.Add(new UsageContent(_usage));

            return last;
        }

        /// <summary>Takes the first choice, and returns its text.</summary>
        private string? TextOf(JsonElement chunk)
        {
            if (Array(chunk, "choices") is not { } choices || choices.GetArrayLength() == 0)
                return null;

            _finish = Text(choices[0], "finish_reason") ?? _finish;
            if (Object(choices[0], "delta") is not { } delta)
                return null;

            if (Array(delta, "tool_calls") is { } calls)
                foreach (var call in calls.EnumerateArray())
                    TakeCall(call);

            return (Text(delta, "content") ?? Text(delta, "refusal")) is { Length: > 0 } text ? text : null;
        }

        private void TakeUsage(JsonElement usage)
        {
            long? Detail(string part, string name) => Object(usage, part) is { } details ? Number(details, name) : null;
            _usage = new UsageDetails
            {
                InputTokenCount = Number(usage, "prompt_tokens"),
                OutputTokenCount = Number(usage, "completion_tokens"),
                CachedInputTokenCount = Detail("prompt_tokens_details", "cached_tokens"),
                ReasoningTokenCount = Detail("completion_tokens_details", "reasoning_tokens"),
            };
        }

        private void TakeCall(JsonElement call)
        {
            if (call.ValueKind != JsonValueKind.Object)
                return;

            var index = (int)(Number(call, "index") ?? _calls.Count);
            var known = _calls.TryGetValue(index, out var one)
                ? one
                : (Id: "", Name: "", Arguments: new StringBuilder());

            if (Text(call, "id") is { Length: > 0 } id)
                known.Id = id;

            if (Object(call, "function") is { } function)
            {
                if (Text(function, "name") is { Length: > 0 } name)
                    known.Name = name;
                known.Arguments.Append(Text(function, "arguments"));
            }

            _calls[index] = known;
        }
    }
}
