using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmGateway.Dialects;

/// <summary>Makes the frames of an answer in a vendor's format. The frames of a run depend only on its updates, so that
/// the n-th frame is the same on every replica.</summary>
internal interface IAnswerWriter
{
    /// <summary>Name of the model: the requested name, or the provider's own name once the provider has
    /// answered.</summary>
    string Model { get; }

    /// <summary>Returns the first frames, which precede the model's answer.</summary>
    IReadOnlyList<JsonObject> Start();

    /// <summary>Returns the frames of an update.</summary>
    IReadOnlyList<JsonObject> Next(ChatResponseUpdate update);

    /// <summary>Returns the last frames.</summary>
    /// <exception cref="UpstreamException">The end shows that the answer has failed.</exception>
    IReadOnlyList<JsonObject> End();

    /// <summary>Returns the last frames of an answer that has failed.</summary>
    IReadOnlyList<JsonObject> Fail(VendorError error);

    /// <summary>Creates an empty answer without streaming, to which the frames are added. Only APIs with such answers
    /// implement it.</summary>
    IJoinedAnswer Join() => throw new NotSupportedException();
}
