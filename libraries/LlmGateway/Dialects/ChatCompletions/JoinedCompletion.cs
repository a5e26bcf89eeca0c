using System.Text.Json.Nodes;

namespace LlmGateway.Dialects.ChatCompletions;

/// <summary>A whole answer of OpenAI's format: the joined deltas of the first choice, and the last value of each other
/// member.</summary>
internal sealed class JoinedCompletion : IJoinedAnswer
{
    private readonly JoinedDeltas _message = new();
    private readonly JoinedDeltas _logprobs = new();
    private readonly JsonObject _answer = [];
    private readonly JsonObject _choice = new()
    {
        ["index"] = 0,
        ["message"] = null,
        ["logprobs"] = null,
        ["finish_reason"] = null,
    };

    public long Bytes { get; private set; }

    public void Add(JsonObject frame)
    {
        foreach (var (name, value) in frame)
            if (name != "choices")
                _answer[name] = value?.DeepClone();

        if (frame["choices"] is not (JsonArray and [JsonObject choice, ..]))
            return;

        foreach (var (name, value) in choice)
            switch (name, value)
            {
                case ("delta", JsonObject delta):
                    Bytes += _message.Add(delta);
                    break;
                case ("logprobs", JsonObject logprobs):
                    Bytes += _logprobs.Add(logprobs);
                    break;
                case (not "delta", not null):
                    _choice[name] = value.DeepClone();
                    break;
            }
    }

    public JsonObject ToJson()
    {
        var message = _message.ToJson();
        message.TryAdd("refusal", null);

        // As in OpenAI's answers, the content is null if there are only tool calls.
        if (message["tool_calls"] is not null && message["content"] is JsonValue text && text.ToString().Length == 0)
            message["content"] = null;

        _choice["message"] = message;

        if (!_logprobs.IsEmpty)
            _choice["logprobs"] = _logprobs.ToJson();

        var usage = _answer["usage"];
        _answer.Remove("usage");
        _answer["object"] = "chat.completion";
        _answer["choices"] = new JsonArray(_choice);
        _answer["usage"] = usage;

        return _answer;
    }
}
