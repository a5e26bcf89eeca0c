using System.Text.Json;
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

    public static async Task OpenAsync(HttpContext context, PushOpener streams)
    {
        var unnamed = context.Request.Query.Flag("named") == false;
        var body = await JsonBody.ReadAsync(context);
        var words = body.RequiredText("text", MaxLength).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        await streams.OpenAsync(
            context,
            ["chat"],
            async (push, _) =>
            {
                foreach (var word in words)
                    await push.WriteAsync(Token(word, unnamed));
                await push.WriteAsync(unnamed ? DoneUnnamed : DoneNamed);
            }
        );
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
