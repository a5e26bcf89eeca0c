using System.Text.Json;

namespace LlmGateway.Dialects.AgUi;

// The members of requests that this server reads. Only the OpenAPI document uses these types: AgUiRequestReader reads
// requests member by member.

internal sealed record RunAgentInput(
    string ThreadId,
    string RunId,
    IReadOnlyList<AgUiMessage> Messages,
    IReadOnlyList<JsonElement>? Tools,
    IReadOnlyList<AgUiContext>? Context,
    JsonElement? ForwardedProps
);

internal sealed record AgUiMessage(string Id, string Role, string? Content, string? ToolCallId);

internal sealed record AgUiContext(string Description, string Value);
