using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using LlmGateway.Agents;
using LlmGateway.Agents.Sessions;
using LlmGateway.Chat;
using LlmGateway.Generations;
using LlmGateway.Telemetry;
using LlmGateway.VendorApis;
using Microsoft.Extensions.AI;

namespace LlmGateway;

/// <summary>Writes and reads the types of the gateway as JSON without reflection.</summary>
[JsonSerializable(typeof(ChatContent))]
[JsonSerializable(typeof(PacedContent))]
[JsonSerializable(typeof(GenerationStarted))]
[JsonSerializable(typeof(GenerationState))]
[JsonSerializable(typeof(GenerationToken))]
[JsonSerializable(typeof(GenerationToolUse))]
[JsonSerializable(typeof(GenerationWaits))]
[JsonSerializable(typeof(GenerationDone))]
[JsonSerializable(typeof(GenerationInput))]
[JsonSerializable(typeof(StoredContinuation))]
[JsonSerializable(typeof(StoredDone))]
[JsonSerializable(typeof(StoredError))]
[JsonSerializable(typeof(StoredPrompt))]
[JsonSerializable(typeof(ThreadRun))]
[JsonSerializable(typeof(AgentStarted))]
[JsonSerializable(typeof(AgentContent))]
[JsonSerializable(typeof(AgentToolUse))]
[JsonSerializable(typeof(AgentToolResult))]
[JsonSerializable(typeof(AgentEnd))]
[JsonSerializable(typeof(ToolError))]
[JsonSerializable(typeof(SessionCreated))]
[JsonSerializable(typeof(SessionStarted))]
[JsonSerializable(typeof(SessionState))]
[JsonSerializable(typeof(StoredMessage))]
[JsonSerializable(typeof(ModelsApi.ModelList))]
[JsonSerializable(typeof(IEnumerable<MessageContent.Message>))]
[JsonSerializable(typeof(IEnumerable<MessageContent.Part>))]
[JsonSerializable(typeof(JsonObject))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(IDictionary<string, object>))]
[JsonSerializable(typeof(Dictionary<string, object>))]
internal sealed partial class GatewayJson : JsonSerializerContext
{
    /// <summary>For answers, which do not depend on the application's JSON.</summary>
    public static GatewayJson Readable { get; } = new(new(ReadableJsonEncoder.Web));

    /// <summary>Lets runs have these types, and what a provider's client may give as arguments of a tool.</summary>
    public static void AddToRuns() => RunJson.MoreTypes = All;

    private static IJsonTypeInfoResolver All { get; } =
        JsonTypeInfoResolver.Combine(Default, AIJsonUtilities.DefaultOptions.TypeInfoResolver);
}
