using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Streaming;
using Streaming.Connections;
using Streaming.Endpoints;
using Streaming.Frames;
using Streaming.Opening;

namespace StreamApi.Seeds.Basics;

/// <summary>
/// A stream of a fixed list, the same at every request: ids are the ordinals from 1. It resumes after
/// <c>Last-Event-ID</c>; who has the
/// last gets 204, so that a browser stops.
/// </summary>
/// <param name="Topic">What the list of connections calls it.</param>
/// <param name="Event">The name of its events.</param>
/// <param name="Named">Whether the name is sent where the client asks for neither.</param>
/// <param name="Data">The data of the events.</param>
/// <param name="Comment">Sent first.</param>
/// <param name="Retry">The reconnection time in milliseconds, sent with every event.</param>
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
