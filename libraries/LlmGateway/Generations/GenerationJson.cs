using System.Text.Json.Serialization;

namespace LlmGateway.Generations;

/// <summary>Writes and reads the stored and the shown data of a generation as JSON without reflection.</summary>
[JsonSerializable(typeof(GenerationStarted))]
[JsonSerializable(typeof(GenerationState))]
[JsonSerializable(typeof(GenerationToken))]
[JsonSerializable(typeof(GenerationToolUse))]
[JsonSerializable(typeof(GenerationWaits))]
[JsonSerializable(typeof(GenerationDone))]
[JsonSerializable(typeof(GenerationInput))]
[JsonSerializable(typeof(StoredContinuation))]
[JsonSerializable(typeof(StoredRefusal))]
[JsonSerializable(typeof(StoredDone))]
[JsonSerializable(typeof(StoredError))]
[JsonSerializable(typeof(StoredPrompt))]
[JsonSerializable(typeof(ThreadRun))]
internal sealed partial class GenerationJson : JsonSerializerContext;
