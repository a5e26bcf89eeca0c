using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmGateway.VendorApis;

/// <summary>An answer in a vendor's format, as parts of a stream or as a whole.</summary>
internal interface IVendorResponse
{
    /// <summary>Adds an update to the answer and returns it as parts of a stream.</summary>
    List<JsonObject> Take(ChatResponseUpdate update);

    /// <summary>Estimated bytes of memory of the answer so far.</summary>
    long Bytes { get; }

    /// <summary>Returns the answer as a whole.</summary>
    JsonObject Whole();
}
