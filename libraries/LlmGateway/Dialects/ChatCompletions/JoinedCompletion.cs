namespace LlmGateway.Dialects.ChatCompletions;

/// <summary>A whole answer of OpenAI's format: the joined deltas of the first choice, and the last value of each other
/// member.</summary>
internal sealed class JoinedCompletion : IJoinedAnswer
{
    private readonly JoinedDeltas _choice = new();
    private readonly JsonObject _answer = [];

    public long Bytes { get; private set; }

    public void Add(JsonObject frame)
    {
        foreach (var (name, value) in frame)
            if (name != "choices")
                _answer[name] = value?.DeepClone();
        if (frame["choices"] is JsonArray and [JsonObject choice, ..])
            Bytes += _choice.Add(choice);
    }

    public JsonObject ToJson()
    {
        var joined = _choice.ToJson();
        var message = joined["delta"]?.DeepClone() as JsonObject ?? [];
        message.TryAdd("refusal", null);

        // As in OpenAI's answers, the content is null if there are only tool calls.
        if (message["tool_calls"] is not null && message["content"] is JsonValue text && text.ToString().Length == 0)
            message["content"] = null;

        var choice = VendorFrame.Object(
            ("index", 0),
            ("message", message),
            ("logprobs", null),
            ("finish_reason", null)
        );
        foreach (var (name, value) in joined)
            if (name != "delta")
                choice[name] = value?.DeepClone();

        var usage = _answer["usage"];
        _answer.Remove("usage");
        _answer["object"] = "chat.completion";
        _answer["choices"] = new JsonArray(choice);
        _answer["usage"] = usage;

        return _answer;
    }
}
