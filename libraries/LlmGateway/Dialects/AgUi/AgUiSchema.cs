using System.Text.Json;

namespace LlmGateway.Dialects.AgUi;

// The members of requests that this server reads. Only the OpenAPI document uses these types: AgUiRequestReader reads
// requests member by member.

internal sealed record RunAgentInput(
    string ThreadId,
    string RunId,
    IReadOnlyList<RunAgentMessage> Messages,
    IReadOnlyList<JsonElement>? Tools,
    IReadOnlyList<RunAgentContext>? Context,
    JsonElement? ForwardedProps
);

internal sealed record RunAgentMessage(string Id, string Role, string? Content, string? ToolCallId);

internal sealed record RunAgentContext(string Description, string Value);
