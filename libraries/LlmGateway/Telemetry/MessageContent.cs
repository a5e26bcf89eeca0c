using System.Diagnostics;
using System.Text.Encodings.Web;
using System.Text.Json;
using EventStore;
using Microsoft.Extensions.AI;

namespace LlmGateway.Telemetry;

/// <summary>
/// The question and the answer as attributes of a span: <c>gen_ai.input.messages</c>, <c>gen_ai.output.messages</c> and
/// <c>gen_ai.system_instructions</c> of OpenTelemetry's conventions
/// (https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/), each of them JSON. Aspire's dashboard shows them
/// as a conversation.
/// </summary>
internal static class MessageContent
{
    /// <summary>OpenTelemetry's switch; Aspire's AppHost sets it.</summary>
    public const string Variable = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT";

    private static readonly JsonSerializerOptions Json = new(RunJson.Options)
    {
        Encoder = JavaScriptEncoder.Default,
        PropertyNamingPolicy = null,
    };

    /// <summary>Returns true in Development, if the switch is on. Elsewhere the switch has no effect, because readers
    /// of telemetry may not be entitled to read prompts.</summary>
    public static bool IsWanted(IHostEnvironment environment, IConfiguration configuration) =>
        environment.IsDevelopment() && bool.TryParse(configuration[Variable], out var isOn) && isOn;

    public static void AddInput(Activity span, IEnumerable<ChatMessage> messages, string? instructions)
    {
        span.SetTag("gen_ai.input.messages", Serialize(Messages(messages, finish: null)));
        if (instructions is not null)
            span.SetTag("gen_ai.system_instructions", Serialize([Text(instructions)]));
    }

    public static void AddOutput(Activity span, IEnumerable<ChatResponseUpdate> answer, string? finish)
    {
        var messages = answer.ToChatResponse().Messages;
        span.SetTag("gen_ai.output.messages", Serialize(Messages(messages, finish)));
    }

    private static IEnumerable<Message> Messages(IEnumerable<ChatMessage> messages, string? finish) =>
        messages.Select(message => new Message(
            message.Role.Value,
            message.Contents.Select(PartOf).OfType<Part>(),
            finish
        ));

    private static Part? PartOf(AIContent content) =>
        content switch
        {
            TextContent text => Text(text.Text),
            FunctionCallContent call => new Part(
                "tool_call",
                id: call.CallId,
                name: call.Name,
                arguments: call.Arguments
            ),
            FunctionResultContent result => new Part("tool_call_response", id: result.CallId, response: result.Result),
            _ => null,
        };

    private static Part Text(string text) => new("text", content: text);

    private static string Serialize<T>(IEnumerable<T> values) =>
        JsonSerializer.Serialize(values, Json.TypeOf<IEnumerable<T>>());

#pragma warning disable IDE1006 // the conventions' names are lowercase
    internal sealed record Message(string role, IEnumerable<Part> parts, string? finish_reason);

    internal sealed record Part(
        string type,
        string? content = null,
        string? id = null,
        string? name = null,
        IDictionary<string, object?>? arguments = null,
        object? response = null
    );
#pragma warning restore IDE1006
}
