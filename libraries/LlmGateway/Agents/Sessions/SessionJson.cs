using System.Text.Json.Serialization;

namespace LlmGateway.Agents.Sessions;

/// <summary>Writes and reads what is stored and shown of a session as JSON without reflection.</summary>
[JsonSerializable(typeof(SessionStarted))]
[JsonSerializable(typeof(SessionState))]
[JsonSerializable(typeof(StoredMessage))]
internal sealed partial class SessionJson : JsonSerializerContext;
