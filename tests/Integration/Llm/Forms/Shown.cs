using System.Text.Json;
using System.Text.Json.Nodes;
using Harness;
using Integration.Seeds;

namespace Integration.Llm.Forms;

/// <summary>Parts of an answer that a client has. A failure has no end, and an end no failure.</summary>
public sealed record Shown(string Reasoning, string Text, string Calls, string? End, string? Failure)
{
    private static readonly string[] Ends = ["stop", "length", "tool_calls", "content_filter"];

    /// <summary>Reads <c>&lt;reasoning&gt;text|calls|end</c>.</summary>
    public static Shown Parse(string text)
    {
        var parts = text.Split('|');
        var thought = parts[0].StartsWith('<') ? parts[0][1..parts[0].IndexOf('>')] : "";
        var isEnd = Ends.Contains(parts[2]);
        return new Shown(
            thought,
            parts[0][(thought.Length > 0 ? thought.Length + 2 : 0)..],
            parts[1],
            isEnd ? parts[2] : null,
            isEnd ? null : parts[2]
        );
    }

    /// <summary>Nothing is sent of a whole answer that fails.</summary>
    public Shown Whole() => Failure is null ? this : new Shown("", "", "", null, Failure);

    /// <summary>Anthropic's word for a failure.</summary>
    public static string? Anthropics(string? failure) =>
        failure switch
        {
            null => null,
            "rate_limited" => "rate_limit_error",
            "overloaded" => "overloaded_error",
            "context_length_exceeded" => "invalid_request_error",
            _ => "api_error",
        };
}

/// <summary>Reads an answer as the clients of each API do.</summary>
internal static class Faces
{
    public static async Task<Shown> GenerationAsync(RunningService replica, string prompt, string provider)
    {
        var id = await LlmSystem.GenerateAsync(replica, prompt, provider);
        await using var reader = await LlmSystem.ReadAsync(replica, id);
        var last = reader.Events.Last().Json();
        var state = await LlmSystem.StateAsync(replica, id);

        var reasoning = LlmSystem.Text(reader.Events.Where(e => e.Event == "reasoning"), "text");
        var text = LlmSystem.Text(reader.Events.Where(e => e.Event == "token"), "text");
        Assert.Equal((reasoning, text), (Text(state, "reasoning"), Text(state, "text")));
        return new Shown(reasoning, text, Used(reader), Optional(last, "finishReason"), Optional(last, "reason"));
    }

    public static async Task<Shown> AgentAsync(RunningService replica, string prompt, string provider)
    {
        await using var reader = await SseReader
            .OpenAsync(replica.Url, $"/stream?provider={provider}&prompt={Uri.EscapeDataString(prompt)}")
            .ToEndAsync();
        var last = reader.Events.Last();
        return new Shown(
            "",
            LlmSystem.Text(reader.Events, "content"),
            Used(reader),
            last.Event == "end" ? "end" : null,
            Optional(last.Json(), "reason")
        );
    }

    public static async Task<Shown> CompletionAsync(RunningService replica, object question)
    {
        using var response = await LlmSystem.PostAsync(replica, "/v1/chat/completions", question);
        var reasoning = "";
        var text = "";
        var calls = new SortedDictionary<long, (string Id, string Name, string Arguments)>();
        string? end = null;

        foreach (var frame in await FramesAsync(response))
        {
            if (frame.TryGetProperty("error", out var error))
                return new Shown(reasoning, text, "", null, error.Text("code"));
            foreach (var choice in frame.Items("choices"))
            {
                var delta = choice.At("delta");
                reasoning += Text(delta, "reasoning_content") is { Length: > 0 } named
                    ? named
                    : Text(delta, "reasoning");
                text += Text(delta, "content") + Text(delta, "refusal");
                end = Optional(choice, "finish_reason") ?? end;

                // As the clients do: an id replaces, a name and arguments are appended.
                foreach (var call in Items(delta, "tool_calls"))
                {
                    var known = calls.GetValueOrDefault(call.Number("index"), ("", "", ""));
                    var function = call.At("function");
                    calls[call.Number("index")] = (
                        call.TryGetProperty("id", out var id) ? id.GetString()! : known.Item1,
                        known.Item2 + Text(function, "name"),
                        known.Item3 + Text(function, "arguments")
                    );
                }
            }
        }

        return new Shown(reasoning, text, Called(calls.Values), end, null);
    }

    public static async Task<Shown> WholeCompletionAsync(RunningService replica, object question)
    {
        using var response = await LlmSystem.PostAsync(replica, "/v1/chat/completions", question);
        var answer = await response.JsonAsync();
        if (!response.IsSuccessStatusCode)
            return new Shown("", "", "", null, answer.Text("error.code"));

        Assert.True(answer.Number("usage.prompt_tokens") > 0 && answer.Number("usage.completion_tokens") >= 0);
        var message = answer.At("choices.0.message");
        var calls = Items(message, "tool_calls")
            .Select(c => (c.Text("id")!, c.Text("function.name")!, c.Text("function.arguments")!));
        return new Shown(
            Text(message, "reasoning_content") is { Length: > 0 } named ? named : Text(message, "reasoning"),
            Text(message, "content") + Text(message, "refusal"),
            Called(calls),
            answer.Text("choices.0.finish_reason"),
            null
        );
    }

    public static async Task<Shown> MessageAsync(RunningService replica, object question)
    {
        using var response = await LlmSystem.PostAsync(replica, "/v1/messages", question);
        var blocks = new SortedDictionary<long, (string Reasoning, string Text, string Id, string Name, string Json)>();
        string? end = null;

        foreach (var frame in await FramesAsync(response))
            switch (frame.Text("type"))
            {
                case "content_block_start":
                    var block = frame.At("content_block");
                    blocks[frame.Number("index")] = (
                        Text(block, "thinking"),
                        Text(block, "text"),
                        Text(block, "type") == "tool_use" ? Text(block, "id") : "",
                        Text(block, "name"),
                        Input(block)
                    );
                    break;
                case "content_block_delta":
                    var known = blocks[frame.Number("index")];
                    var delta = frame.At("delta");

                    blocks[frame.Number("index")] = known with
                    {
                        Reasoning = known.Reasoning + Text(delta, "thinking"),
                        Text = known.Text + Text(delta, "text"),
                        Json = known.Json + Text(delta, "partial_json"),
                    };
                    break;
                case "message_delta":
                    end = frame.Text("delta.stop_reason");
                    break;
                case "error":
                    return new Shown(Joined(b => b.Reasoning), Joined(b => b.Text), "", null, frame.Text("error.type"));
            }

        var calls = blocks
            .Values.Where(b => b.Id.Length > 0)
            .Select(b => (b.Id, b.Name, b.Json.Length > 0 ? b.Json : "{}"));
        return new Shown(Joined(b => b.Reasoning), Joined(b => b.Text), Called(calls), EndOf(end), null);

        string Joined(Func<(string Reasoning, string Text, string, string, string), string> part) =>
            string.Concat(blocks.Values.Select(part));

        // Clients replace the input of the first event by what follows.
        static string Input(JsonElement block) =>
            block.TryGetProperty("input", out var input) && input.EnumerateObject().Any() ? input.GetRawText() : "";
    }

    public static async Task<Shown> WholeMessageAsync(RunningService replica, object question)
    {
        using var response = await LlmSystem.PostAsync(replica, "/v1/messages", question);
        var answer = await response.JsonAsync();
        if (!response.IsSuccessStatusCode)
            return new Shown("", "", "", null, answer.Text("error.type"));

        Assert.True(answer.Number("usage.input_tokens") > 0 && answer.Number("usage.output_tokens") >= 0);
        var blocks = answer.Items("content").ToList();
        var calls = blocks
            .Where(b => b.Text("type") == "tool_use")
            .Select(b => (b.Text("id")!, b.Text("name")!, b.At("input").GetRawText()));
        return new Shown(
            string.Concat(blocks.Select(b => Text(b, "thinking"))),
            string.Concat(blocks.Select(b => Text(b, "text"))),
            Called(calls),
            EndOf(answer.Text("stop_reason")),
            null
        );
    }

    private static async Task<List<JsonElement>> FramesAsync(HttpResponseMessage response)
    {
        var text = await response.TextAsync();
        return response.IsSuccessStatusCode
            ?
            [
                .. text.Split('\n')
                    .Where(line => line.StartsWith("data: {", StringComparison.Ordinal))
                    .Select(line => JsonElement.Parse(line["data: ".Length..])),
            ]
            : [WithType(text)];

        static JsonElement WithType(string error)
        {
            var json = JsonNode.Parse(error)!.AsObject();
            json["type"] = "error";
            return JsonSerializer.SerializeToElement(json);
        }
    }

    private static string? EndOf(string? stopReason) =>
        stopReason switch
        {
            "end_turn" or "stop_sequence" => "stop",
            "max_tokens" => "length",
            "tool_use" => "tool_calls",
            "refusal" => "content_filter",
            var other => other,
        };

    /// <summary>The calls of a generation or an agent.</summary>
    private static string Used(SseReader reader) =>
        Called(
            reader
                .Events.Where(e => e.Event == "tool_use")
                .Select(e => e.Json())
                .Select(e => (e.Text("id")!, e.Text("tool")!, e.At("input").GetRawText()))
        );

    private static string Called(IEnumerable<(string Id, string Name, string Arguments)> calls)
    {
        var all = calls.ToList();
        Assert.All(all, call => Assert.NotEmpty(call.Id));
        Assert.Equal(all.Count, all.DistinctBy(call => call.Id).Count());
        return string.Concat(all.Select(call => $"{call.Name}({call.Arguments})"));
    }

    private static string Text(JsonElement json, string name) => Optional(json, name) ?? "";

    private static string? Optional(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static List<JsonElement> Items(JsonElement json, string name) =>
        json.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array
            ? [.. list.EnumerateArray()]
            : [];
}
