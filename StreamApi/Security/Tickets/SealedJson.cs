using System.Text.Json.Serialization;

namespace StreamApi.Security.Tickets;

/// <summary>The JSON of what this service seals.</summary>
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(ReplicaPass))]
internal sealed partial class SealedJson : JsonSerializerContext;
