using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using LlmGateway.Agents;
using LlmGateway.Agents.Sessions;
using LlmGateway.Chat;

namespace LlmGateway;

/// <summary>Writes and reads the stored and the shown data of all features as JSON without reflection.</summary>
[JsonSerializable(typeof(GenerationStarted))]
[JsonSerializable(typeof(GenerationState))]
[JsonSerializable(typeof(GenerationToken))]
[JsonSerializable(typeof(GenerationToolUse))]
[JsonSerializable(typeof(DelayNotice))]
[JsonSerializable(typeof(GenerationDone))]
[JsonSerializable(typeof(GenerationInput))]
[JsonSerializable(typeof(StoredContinuation))]
[JsonSerializable(typeof(StoredToken))]
[JsonSerializable(typeof(StoredDone))]
[JsonSerializable(typeof(StoredError))]
[JsonSerializable(typeof(StoredPrompt))]
[JsonSerializable(typeof(ThreadRun))]
[JsonSerializable(typeof(AgentContent))]
[JsonSerializable(typeof(AgentToolUse))]
[JsonSerializable(typeof(AgentToolResult))]
[JsonSerializable(typeof(AgentEnd))]
[JsonSerializable(typeof(ToolError))]
[JsonSerializable(typeof(SessionCreated))]
[JsonSerializable(typeof(SessionStarted))]
[JsonSerializable(typeof(SessionState))]
[JsonSerializable(typeof(StoredMessage))]
[JsonSerializable(typeof(ChatContent))]
[JsonSerializable(typeof(PacedContent))]
internal sealed partial class GatewayJson : JsonSerializerContext
{
    /// <summary>These types, and JSON of any form.</summary>
    public static IJsonTypeInfoResolver Types => JsonTypeInfoResolver.Combine(NodeJson.Default, Default);

    /// <summary>Lets runs store these types, and the types that a provider's client may use in the arguments of a
    /// tool.</summary>
    public static void AddToRuns() =>
        RunJson.MoreTypes = JsonTypeInfoResolver.Combine(Types, AIJsonUtilities.DefaultOptions.TypeInfoResolver);
}
