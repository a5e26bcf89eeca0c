using System.Text.Json;
using Streaming.Access;
using Streaming.Endpoints;
using Streaming.Frames;
using Streaming.Opening;
using Streaming.Requests;

namespace StreamApi.Seeds.Basics;

/// <summary>
/// <c>POST /chat/stream</c> <c>{"text"}</c>: streams one token per word, then <c>[DONE]</c>. It has no ids, because it
/// belongs to one request.
/// </summary>
internal static class ChatStream
{
    private const int MaxLength = 100_000;
    private static readonly byte[] DoneNamed = SseFrame.ToBytes(f => f.Event("done").Data("[DONE]").End());
    private static readonly byte[] DoneUnnamed = SseFrame.ToBytes(f => f.Data("[DONE]").End());

    public static async Task OpenAsync(
        HttpContext context,
        PushOpener streams,
        IStreamAccess access,
        RequestBudget budget
    )
    {
        var unnamed = context.Request.Query.Flag("named") == false;
        var body = await JsonBody.ReadAsync(context);
        var text = body.RequiredText("text", MaxLength);
        using var kept = budget.Keep(access.ClientOf(context), sizeof(char) * (long)text.Length);
        await streams.OpenAsync(
            context,
            ["chat"],
            async (push, _) =>
            {
                foreach (var word in Words(text))
                    await push.WriteAsync(Token(word, unnamed));
                await push.WriteAsync(unnamed ? DoneUnnamed : DoneNamed);
            }
        );
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

    private static byte[] Token(string word, bool unnamed) =>
        SseFrame.ToBytes(frame =>
        {
            var data = JsonSerializer.SerializeToUtf8Bytes(word, ControlFrames.Json);
            if (unnamed)
                frame.Data(NamedFormat.WithName("token", data)).End();
            else
                frame.Event("token").Data(data).End();
        });
}
