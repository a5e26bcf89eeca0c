using System.Net.ServerSentEvents;
using System.Text.Json.Nodes;

namespace StreamApi.Seeds.Basics;

/// <summary>
/// <c>POST /chat/stream</c> <c>{"text"}</c>: streams one token per word, then <c>[DONE]</c>. It has no ids, because it
/// belongs to one request.
/// </summary>
internal static class ChatStream
{
    private const int MaxLength = 100_000;

    public static async Task<IResult> AnswerAsync(HttpRequest request)
    {
        var isNamed = request.Query.Flag("named") ?? true;
        var body = await JsonBody.ReadAsync(request.HttpContext);
        var text = body.RequiredText("text", MaxLength);
        return TypedResults.EventStream(Answer(text, isNamed).ToAsyncEnumerable());
    }

    private static IEnumerable<SseItem<object>> Answer(string text, bool isNamed)
    {
        foreach (var word in Words(text))
            yield return isNamed
                ? new SseItem<object>(JsonValue.Create(word), "token")
                : new SseItem<object>(new { type = "token", data = word });

        yield return new SseItem<object>("[DONE]", isNamed ? "done" : null);
    }

    /// <summary>Cuts one word at a time: while the client does not read, only the text is in memory.</summary>
    private static IEnumerable<string> Words(string text)
    {
        for (var start = 0; start < text.Length; start++)
        {
            var end = start;
            while (end < text.Length && !char.IsWhiteSpace(text[end]))
                end++;

            if (end > start)
                yield return text[start..end];

            start = end;
        }
    }
}
