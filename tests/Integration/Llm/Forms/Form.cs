namespace Integration.Llm.Forms;

/// <summary>An answer in the form of some server, and what it means.</summary>
/// <param name="Name">The form.</param>
/// <param name="Body">The body of the response.</param>
/// <param name="Shown">The meaning: the text, the calls, and the end: <c>Hello|look({"a":1})|tool_calls</c>.</param>
/// <param name="IsAnthropic">True for Anthropic's API, false for OpenAI's.</param>
/// <param name="ContentType">The type of the body.</param>
public sealed record Form(
    string Name,
    string Body,
    string Shown,
    bool IsAnthropic = false,
    string ContentType = "text/event-stream"
)
{
    /// <summary>Type of a body that is no stream.</summary>
    public const string Whole = "application/json";

    public override string ToString() => (IsAnthropic ? "Anthropic: " : "OpenAI: ") + Name;
}
