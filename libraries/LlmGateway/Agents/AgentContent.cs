using System.Text.Json.Nodes;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;

namespace LlmGateway.Agents;

// Data of the events of an answer.

internal sealed record AgentContent(string Type, string Content, string Data);

internal sealed record AgentToolUse(string Type, string Id, string Tool, JsonNode Input);

internal sealed record AgentToolResult(string Type, string Id, string Tool, object? Output, double DurationMs)
{
    /// <summary>Returns the result for the model: text as it is, and anything else as JSON.</summary>
    public static FunctionResultContent ForModel(string call, object? output) =>
        new(call, ToolCalls.Result(new FunctionResultContent(call, output)));
}

internal sealed record AgentEnd(string Type);
