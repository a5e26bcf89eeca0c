using System.Text.Json.Serialization;

namespace LlmGateway.Chat;

/// <summary>Writes the frames of a chat as JSON without reflection.</summary>
[JsonSerializable(typeof(ChatContent))]
[JsonSerializable(typeof(PacedContent))]
internal sealed partial class ChatJson : JsonSerializerContext;
