namespace LlmGateway.Dialects;

internal static class VendorDescriptionExtensions
{
    /// <summary>Describes the endpoint for the OpenAPI document.</summary>
    public static RouteHandlerBuilder Answers(
        this RouteHandlerBuilder endpoint,
        string reference,
        string note = "",
        params string[] frames
    ) => endpoint.WithMetadata(new VendorDescription(new Uri(reference), frames, note));

    /// <summary>Describes an endpoint that always streams.</summary>
    public static RouteHandlerBuilder Streams(
        this RouteHandlerBuilder endpoint,
        string reference,
        string note,
        params string[] frames
    ) => endpoint.WithMetadata(new VendorDescription(new Uri(reference), frames, note) { IsStream = true });
}
