using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmGateway.Dialects;

/// <summary>Makes the frames of an answer in a vendor's format. Those of a run are made of its updates alone, so that
/// the n-th frame is the same on every replica.</summary>
internal interface IVendorResponse
{
    /// <summary>The model, by the provider's own name as soon as it has answered.</summary>
    string Model { get; }

    /// <summary>Returns the first frames, which precede the model's answer.</summary>
    IReadOnlyList<JsonObject> Start();

    /// <summary>Returns the frames of an update.</summary>
    IReadOnlyList<JsonObject> Next(ChatResponseUpdate update);

    /// <summary>Returns the last frames.</summary>
    /// <exception cref="UpstreamException">The answer has failed after all.</exception>
    IReadOnlyList<JsonObject> End();

    /// <summary>Returns the last frames of an answer that has failed.</summary>
    IReadOnlyList<JsonObject> Fail(VendorError error);

    /// <summary>Creates the answer without streaming, to which the frames are added; of an API that has one.</summary>
    IJoinedAnswer Join() => throw new NotSupportedException();
}
