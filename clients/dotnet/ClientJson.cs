using System.Text.Json;
using System.Text.Json.Serialization;
using AspireSse.Client.Publishing;

namespace AspireSse.Client;

/// <summary>Source-generated JSON for the types of this package.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(SseConnected))]
[JsonSerializable(typeof(SseResync))]
[JsonSerializable(typeof(SseSkipped))]
[JsonSerializable(typeof(SseUnauthorized))]
[JsonSerializable(typeof(ProblemDetails))]
[JsonSerializable(typeof(PublishAnswer))]
internal sealed partial class ClientJson : JsonSerializerContext;
