using System.Text.Json.Serialization;

namespace LlmGateway.Telemetry;

/// <summary>Writes the messages of a span as JSON without reflection.</summary>
[JsonSerializable(typeof(IEnumerable<MessageContent.Message>))]
[JsonSerializable(typeof(IEnumerable<MessageContent.Part>))]
internal sealed partial class MessageJson : JsonSerializerContext;
