namespace AspireSse.Server;

/// <summary>Describes, for an OpenAPI document, an endpoint with a vendor's API, which answers whole or as a stream, as
/// requested.</summary>
/// <param name="Reference">The vendor's own description of the answers.</param>
/// <param name="Frames">Names of the stream's frames; empty: never streams.</param>
/// <param name="Note">Describes how the stream ends and stays alive.</param>
public sealed record VendorDescription(Uri Reference, IReadOnlyList<string> Frames, string Note)
{
    /// <summary>True if it always answers with a stream; false: whole or as a stream, as requested.</summary>
    public bool IsStream { get; init; }
}
