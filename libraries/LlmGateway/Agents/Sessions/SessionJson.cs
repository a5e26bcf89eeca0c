using System.Text.Json.Serialization;

namespace LlmGateway.Agents.Sessions;

/// <summary>Writes and reads the stored and the shown data of a session as JSON without reflection.</summary>
[JsonSerializable(typeof(SessionStarted))]
[JsonSerializable(typeof(SessionState))]
[JsonSerializable(typeof(StoredMessage))]
internal sealed partial class SessionJson : JsonSerializerContext;
