namespace LlmGateway.Dialects.Responses;

/// <summary>The format of OpenAI's Responses API: each event has its type as its name, and also in its data. While the
/// provider is silent the stream has a comment.</summary>
internal sealed class ResponsesFormat : VendorFormat
{
    public const string Name = "responses";

    public static ResponsesFormat Instance { get; } = new();

    public override bool HasNames => true;

    public override JsonObject Body(VendorError error) => OpenAiError.Body(error);
}
