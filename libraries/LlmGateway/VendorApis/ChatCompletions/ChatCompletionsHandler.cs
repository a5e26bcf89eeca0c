using System.Text.Json;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Access;
using Streaming.Connections;
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
) : VendorHandler<ChatCompletionsResponse>(streams, access, live, options, clock, logger)
{
    private readonly TimeProvider _clock = clock;

    protected override VendorErrorFormat Errors => OpenAiErrorFormat.Instance;
    protected override byte[] Heartbeat { get; } = SseFrame.ToBytes(f => f.Comment("waiting for the model").End());

    protected override byte[] Frame(VendorError error) => VendorFrame.Of(Errors.Body(error));

    protected override (ChatCall Call, ChatCompletionsResponse Response) Read(
        JsonElement body,
        IHeaderDictionary headers
    )
    {
        var call = ChatCompletionsRequestReader.Read(body, providers, Options);
        var includeUsage =
            ChatBody.Get(body, "stream_options") is { ValueKind: JsonValueKind.Object } streamOptions
            && ChatBody.Flag(streamOptions, "include_usage");
        return (call, new ChatCompletionsResponse(call.Target.Model, includeUsage, _clock));
    }

    protected override async Task WriteAsync(PushStream push, ProviderAnswer updates, ChatCompletionsResponse response)
    {
        // Some proxies hold the head back until the body begins.
        if (!updates.HasBegun)
            await push.WriteAsync(Heartbeat, events: 0);
        var hasRole = false;
        await foreach (var update in updates.ReadAsync())
        {
            await WriteRoleAsync();
            foreach (var chunk in response.Take(update))
                await push.WriteAsync(VendorFrame.Of(chunk));
        }
        await WriteRoleAsync();
        await push.WriteAsync(VendorFrame.Of(response.LastChunk()), events: 0);
        if (response.UsageChunk() is { } usage)
            await push.WriteAsync(VendorFrame.Of(usage), events: 0);
        await push.WriteAsync(VendorFrame.Of("[DONE]"), events: 0);

        async Task WriteRoleAsync()
        {
            if (!hasRole)
                await push.WriteAsync(VendorFrame.Of(response.RoleChunk()), events: 0);
            hasRole = true;
        }
    }
}
