namespace LlmGateway.Dialects.AgUi;

/// <summary>The frame format of AG-UI: events without names. A refusal's body is the event that ends a run.
/// <code>{"type":"RUN_ERROR","message":"threadId is required.","code":"invalid_request"}</code></summary>
internal sealed class AgUiFormat : VendorFormat
{
    public static AgUiFormat Instance { get; } = new();

    /// <inheritdoc/>
    /// <remarks>If the body breaks after the run's end, TanStack AI asks for the rest, and takes an empty one for a
    /// failure, or one with an id that it knows.</remarks>
    public override bool RepeatsEnd => true;

    /// <summary>Returns an event for clients that a broken body would hurt: in Node.js, <c>HttpAgent</c> leaves a
    /// rejection that ends the process. A client that resumes by ids would not resume after the event.</summary>
    public override VendorError? EarlyEnd(HttpRequest request) =>
        request.Headers.ContainsKey("X-Run-Id") || request.Headers.ContainsKey("Last-Event-ID")
            ? null
            : new(
                503,
                "stream_ended",
                "The server has ended this stream. The run goes on: the same request rejoins it."
            );

    public override JsonObject Body(VendorError error) =>
        VendorFrame.Event(
            "RUN_ERROR",
            ("message", error.Message),
            ("code", error.Code ?? (error.Status < 500 ? "invalid_request" : "server_error"))
        );
}
