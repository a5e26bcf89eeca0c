namespace LlmGateway.Providers;

/// <summary>
/// Options of a call, including some that only this gateway reads. A clone, which a keyed client gets, lacks those.
/// </summary>
internal sealed class CallOptions : ChatOptions
{
    /// <summary>The client whose share of the provider's places the call uses. Calls without a client have one share
    /// together.</summary>
    public ClientKey Client { get; set; } = new("", "");

    /// <summary>The callback for delays, called while the caller awaits the next update.</summary>
    public Action<DelayNotice>? OnDelay { get; set; }

    /// <summary>
    /// The request's body, if the client uses the provider's own API, else null. The provider gets the whole body,
    /// including members that the abstraction does not know, and each update has its frame, a
    /// <see cref="System.Text.Json.Nodes.JsonObject"/>, as raw representation.
    /// </summary>
    public JsonElement? NativeBody { get; set; }

    /// <summary>Makes the provider's body of <see cref="NativeBody"/>, or returns null if the client uses another API.
    /// A text <c>provider</c> chose the provider here, and an object is a member of the provider itself.</summary>
    public JsonObject? ForProvider()
    {
        if (NativeBody is not { } native)
            return null;

        var body = JsonObject.Create(native)!;
        if (body["provider"] is not JsonObject)
            body.Remove("provider");
        return body;
    }

    /// <summary>True if the answer must match the schema of <see cref="ChatOptions.ResponseFormat"/>, false if the
    /// schema is only a request.</summary>
    public bool HasStrictSchema { get; set; }

    /// <summary>The request's member <c>provider</c>, if it is for a provider such as OpenRouter.</summary>
    public JsonElement? Routing { get; set; }

    /// <summary>True if the caller tells the model of a call whose arguments are no JSON object, as an agent does. Any
    /// other answer with such a call fails, because clients would run the tool without them.</summary>
    public bool AnswersBrokenCalls { get; set; }

    /// <summary>The request's <c>anthropic-beta</c> header.</summary>
    public string? AnthropicBeta { get; set; }
}
