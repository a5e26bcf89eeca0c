namespace LlmGateway.VendorApis;

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
