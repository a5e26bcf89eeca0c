using System.Text.Json;
using System.Text.Json.Nodes;
using LlmGateway.Providers;
using LlmGateway.Requests;
using Microsoft.Extensions.Options;
using Runs;
using Streaming.Access;
using Streaming.Opening;

namespace LlmGateway.VendorApis.Messages;

/// <summary>
/// Answers Messages requests, and counts tokens. A stream has the vendor's <c>ping</c> while the provider is silent.
/// </summary>
internal sealed class MessagesHandler(
    ChatProviders providers,
    PushOpener streams,
    IStreamAccess access,
    LiveRuns live,
    IOptions<LlmOptions> options,
    TimeProvider clock,
    ILogger<MessagesHandler> logger
) : VendorHandler(streams, access, live, options, clock, logger)
{
    private const int MaxBeta = 1_024;

    protected override VendorErrorFormat Errors => AnthropicErrorFormat.Instance;
    protected override byte[] Heartbeat { get; } = VendorFrame.Of(new JsonObject { ["type"] = "ping" }, "ping");

    protected override byte[] Frame(JsonObject frame) => VendorFrame.Of(frame, (string?)frame["type"]);

    protected override (ChatCall Call, IVendorResponse Response) Read(JsonElement body, IHeaderDictionary headers)
    {
        var call = MessagesRequestReader.Read(body, providers, Options, Beta(headers));
        return (call, new MessagesResponse(call));
    }

    /// <summary>
    /// Counts the tokens of a request to the demo model. Other models are refused: only their providers know the count,
    /// and clients would trust an estimate.
    /// </summary>
    public async Task CountAsync(HttpContext context)
    {
        try
        {
            var call = MessagesRequestReader.ReadToCount(
                await ChatBody.ReadAsync(context, Options.MaxRequestBytes),
                providers,
                Options
            );
            if (call.Target.Provider == "demo")
                await TypedResults.Json(new { input_tokens = call.InputTokens }).ExecuteAsync(context);
            else
                await Errors.RefuseAsync(
                    context,
                    StatusCodes.Status404NotFound,
                    "This server counts tokens for the model demo only. "
                        + $"{call.Target.Provider} reports its count in each response, as usage.",
                    retryAfter: null
                );
        }
        catch (InvalidChatException e)
        {
            await Errors.WriteAsync(context, VendorError.Of(e));
        }
    }

    /// <summary>The vendor's names of its beta features, which select members of request and answer.</summary>
    private static string? Beta(IHeaderDictionary headers) =>
        headers["anthropic-beta"].ToString() switch
        {
            "" => null,
            { Length: > MaxBeta } => throw new InvalidChatException(
                "anthropic-beta",
                $"has at most {MaxBeta} characters."
            ),
            var names => names,
        };
}
