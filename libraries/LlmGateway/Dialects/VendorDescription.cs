namespace AspireSse.Server;

/// <summary>Metadata that describes, for an OpenAPI document, an endpoint with a vendor's API.</summary>
/// <param name="Reference">The vendor's own description of the answers.</param>
/// <param name="Frames">Names of the stream's frames, or empty if the endpoint never streams.</param>
/// <param name="Note">Describes how the stream ends and stays alive.</param>
/// <remarks>Needed by an application whose own OpenAPI transformer documents the gateway's endpoints.</remarks>
public sealed record VendorDescription(Uri Reference, IReadOnlyList<string> Frames, string Note)
{
    /// <summary>True if the endpoint always streams, false if it answers whole or as a stream, as requested.</summary>
    public bool IsStream { get; init; }
}
