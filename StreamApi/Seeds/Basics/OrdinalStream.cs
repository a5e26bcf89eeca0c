using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Streaming.Connections;
using Streaming.Endpoints;
using Streaming.Frames;
using Streaming.Opening;

namespace StreamApi.Seeds.Basics;

/// <summary>
/// Streams a fixed list with the ordinals from 1 as ids. It resumes after <c>Last-Event-ID</c>; a client that has the
/// last item gets 204, which stops a browser.
/// </summary>
/// <param name="Topic">Topic shown in the list of connections.</param>
/// <param name="Event">Name of its events.</param>
/// <param name="Named">True if events are named by default.</param>
/// <param name="Data">Data of the events.</param>
/// <param name="Comment">Comment sent first.</param>
/// <param name="Retry">Reconnection time in milliseconds, sent with every event.</param>
internal sealed record OrdinalStream(
    string Topic,
    string Event,
    bool Named,
    IReadOnlyList<ReadOnlyMemory<byte>> Data,
    string? Comment = null,
    int? Retry = null
)
{
    public async Task OpenAsync(HttpContext context, PushOpener streams)
    {
        var named = context.Request.Query.Flag("named");
        var last = LastEventId.Of(context.Request).Text;
        var isOrdinal = BigInteger.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal);
        if (isOrdinal && ordinal >= Data.Count)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        await streams.OpenAsync(
            context,
            [Topic],
            async (push, _) =>
            {
                await push.WriteAsync(
                    SseFrame.ToBytes(f =>
                        Opening(
                            f,
                            isOrdinal ? ordinal.ToString(CultureInfo.InvariantCulture) : "0",
                            isOrdinal ? null : last
                        )
                    ),
                    events: 0
                );
                for (var i = (int)ordinal; i < Data.Count; i++)
                    await push.WriteAsync(Frame(i, named));
            },
            new PushSettings(Retry: Retry)
        );
    }

    private void Opening(SseFrame frame, string startsAfter, string? malformed)
    {
        if (Comment is not null)
            frame.Comment(Comment);
        frame.Id(startsAfter).End();
        if (malformed is not null)
            frame
                .Id("0")
                .Event("resync")
                .Data(
                    JsonSerializer.SerializeToUtf8Bytes(
                        new
                        {
                            reason = "malformed",
                            requested = malformed,
                            resumedFrom = "0",
                        },
                        ControlFrames.Json
                    )
                )
                .End();
    }

    private byte[] Frame(int index, bool? named) =>
        SseFrame.ToBytes(frame =>
        {
            frame.Id((index + 1).ToString(CultureInfo.InvariantCulture));
            if (named ?? Named)
                frame.Event(Event);
            if (Retry is { } retry)
                frame.Retry(retry);
            frame.Data(Named && named == false ? NamedFormat.WithName(Event, Data[index]) : Data[index].Span).End();
        });
}
