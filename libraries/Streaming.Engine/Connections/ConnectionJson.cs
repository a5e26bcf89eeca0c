using System.Text.Json.Serialization;

namespace Streaming.Connections;

/// <summary>Writes the list of connections without reflection, where an application's own endpoint answers with it.</summary>
[JsonSerializable(typeof(IAsyncEnumerable<SseConnection>))]
internal sealed partial class ConnectionJson : JsonSerializerContext;
