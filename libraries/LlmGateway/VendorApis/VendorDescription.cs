using Streaming.Endpoints;

namespace LlmGateway.VendorApis;

/// <summary>An endpoint with a vendor's API, which answers whole or as a stream, as requested.</summary>
/// <param name="Whole">The answer without streaming.</param>
/// <param name="Error">Any error.</param>
/// <param name="Frames">The frames of the stream with their descriptions; empty: never streams.</param>
/// <param name="Note">Describes how the stream ends and stays alive.</param>
internal sealed record VendorDescription(Type Whole, Type Error, IReadOnlyList<StreamEvent> Frames, string Note);

internal static class VendorDescriptionExtensions
{
    /// <summary>Describes the endpoint for the OpenAPI document.</summary>
    public static RouteHandlerBuilder Answers(
        this RouteHandlerBuilder endpoint,
        Type whole,
        Type error,
        string note = "",
        params StreamEvent[] frames
    ) => endpoint.WithMetadata(new VendorDescription(whole, error, frames, note));
}
