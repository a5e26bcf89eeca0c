namespace LlmGateway.VendorApis;

/// <summary>An endpoint with a vendor's API, which answers whole or as a stream, as requested.</summary>
/// <param name="Reference">The vendor's own description of the answers.</param>
/// <param name="Frames">Names of the stream's frames; empty: never streams.</param>
/// <param name="Note">Describes how the stream ends and stays alive.</param>
internal sealed record VendorDescription(Uri Reference, IReadOnlyList<string> Frames, string Note);

internal static class VendorDescriptionExtensions
{
    /// <summary>Describes the endpoint for the OpenAPI document.</summary>
    public static RouteHandlerBuilder Answers(
        this RouteHandlerBuilder endpoint,
        string reference,
        string note = "",
        params string[] frames
    ) => endpoint.WithMetadata(new VendorDescription(new Uri(reference), frames, note));
}
