using System.Text.Json.Serialization;

namespace LlmGateway.Agents;

/// <summary>Writes the events of agents and the answers about their sessions as JSON without reflection.</summary>
[JsonSerializable(typeof(AgentStarted))]
[JsonSerializable(typeof(AgentContent))]
[JsonSerializable(typeof(AgentToolUse))]
[JsonSerializable(typeof(AgentToolResult))]
[JsonSerializable(typeof(AgentEnd))]
[JsonSerializable(typeof(ToolError))]
[JsonSerializable(typeof(SessionCreated))]
internal sealed partial class AgentJson : JsonSerializerContext
{
    /// <summary>The context for answers, whose JSON does not depend on the application's options.</summary>
    public static AgentJson Readable { get; } = new(new(ReadableJsonEncoder.Web));
}
