using EventStore;
using Streaming.Frames;

namespace LlmGateway.Chat;

/// <summary>Frames of the chat streams. By default only errors have a name, as the articles' clients expect.</summary>
/// <param name="Named">The value of <c>?named=</c>: true names all frames, false none, null errors only.</param>
internal readonly record struct ChatFrames(bool? Named)
{
    public byte[] Content<T>(T data)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(data, RunJson.Options.TypeOf<T>());
        return Frame("content", Named == true, Named == false ? NamedFormat.WithName("content", json) : json);
    }

    public byte[] Done() => Frame("done", Named == true, "[DONE]"u8);

    public byte[] Error(UpstreamException exception)
    {
        var named = Named != false;
        return Frame(
            "error",
            named,
            JsonSerializer.SerializeToUtf8Bytes(
                new RunError(named ? null : "error", exception.Message, Fatal: true, exception.Reason),
                RunJson.Options.TypeOf<RunError>()
            )
        );
    }

    private static byte[] Frame(string name, bool named, ReadOnlySpan<byte> data) =>
        SseFrame.ToBytes(data, named ? name : null);
}
