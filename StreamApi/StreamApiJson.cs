using System.Text.Json.Serialization;
using StreamApi.Security.Tickets;

namespace StreamApi;

/// <summary>The JSON of what this service seals.</summary>
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(ReplicaPass))]
internal sealed partial class StreamApiJson : JsonSerializerContext;
