using System.Text.Json;
using System.Text.Json.Nodes;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Access;
using Streaming.Frames;
using Streaming.Opening;

namespace LlmGateway.VendorApis.ChatCompletions;

/// <summary>Answers Chat Completions requests. A stream has a comment while the provider is silent.</summary>
internal sealed class ChatCompletionsHandler(
    ChatProviders providers,
    PushOpener streams,
    IStreamAccess access,
    LiveRuns live,
    IOptions<LlmOptions> options,
    TimeProvider clock,
    ILogger<ChatCompletionsHandler> logger
) : VendorHandler(streams, access, live, options, clock, logger)
{
    private readonly TimeProvider _clock = clock;

    protected override VendorErrorFormat Errors => OpenAiErrorFormat.Instance;
    protected override byte[] Heartbeat { get; } = SseFrame.ToBytes(f => f.Comment("waiting for the model").End());
    protected override byte[] Done { get; } = VendorFrame.Of("[DONE]");

    protected override byte[] Frame(JsonObject frame) => VendorFrame.Of(frame);

    protected override (ChatCall Call, IVendorResponse Response) Read(JsonElement body, IHeaderDictionary headers)
    {
        var call = ChatCompletionsRequestReader.Read(body, providers, Options);
        // A whole answer always has its usage, a stream on request.
        var includeUsage =
            !ChatBody.Flag(body, "stream")
            || ChatBody.Get(body, "stream_options") is { ValueKind: JsonValueKind.Object } streamOptions
                && ChatBody.Flag(streamOptions, "include_usage");
        return (call, new ChatCompletionsResponse(call, includeUsage, _clock));
    }
}
