using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;

namespace Streaming.Refusals;

/// <summary>Writes problem details without reflection.</summary>
[JsonSerializable(typeof(object))]
[JsonSerializable(typeof(ProblemDetails))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
internal sealed partial class ProblemJson : JsonSerializerContext;
