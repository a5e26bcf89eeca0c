using System.Text.Json.Nodes;

namespace LlmGateway.Dialects;

/// <summary>An answer without streaming, joined from the frames of a stream.</summary>
internal interface IJoinedAnswer
{
    /// <summary>Estimated bytes of memory of the answer so far.</summary>
    long Bytes { get; }

    /// <summary>Adds a frame. The answer then owns the frame, and may change it.</summary>
    void Add(JsonObject frame);

    JsonObject ToJson();
}
