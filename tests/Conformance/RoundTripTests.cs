using System.Text;
using AspireSse.Client.Reading;
using CsCheck;
using Streaming.Frames;

namespace Conformance;

/// <summary>Frames random and hostile texts like the server and parses them like the client: each frame gives the same
/// event.</summary>
public class RoundTripTests
{
    private static readonly string[] Malice =
    [
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "data: ",
        "event: ",
        "id: 7",
        "retry: 1",
        ":",
        " ",
        "\0",
        "\uFEFF",
        "日本語",
        "🌱",
        "\u2028",
        "\u0085",
        "\t",
        "x",
        "{\"n\":1}",
    ];

    private const int Texts = 500;

    private static readonly Gen<string> Text = Gen.OneOf(
            Gen.OneOf(Malice),
            Gen.Int[1, 0xD7FF].Select(c => ((char)c).ToString())
        )
        .Array[0, 40]
        .Select(string.Concat);

    [Fact]
    public Task Any_framed_text_is_parsed_as_one_event_however_the_bytes_are_cut() =>
        Gen.Select(Text, Gen.Int[1, 7])
            .SampleAsync(
                async (text, size) =>
                {
                    var frame = SseFrame.ToBytes(Encoding.UTF8.GetBytes(text), "real", "e-1");
                    var read = await ReadAsync(frame, size);

                    return read is [("real", "e-1", var data)]
                        // not U+2028 and the like: they are text here
                        && data == text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
                },
                iter: Texts
            );

    [Fact]
    public Task Names_and_ids_that_would_be_parsed_differently_are_refused() =>
        Text.SampleAsync(
            async text =>
            {
                byte[] frame;
                try
                {
                    frame = SseFrame.ToBytes("x"u8, text, text);
                }
                catch (ArgumentException)
                {
                    return text.AsSpan().ContainsAny("\r\n\0");
                }

                return await ReadAsync(frame, 1) is [var (type, id, data)]
                    && (type, id, data) == (text.Length == 0 ? "message" : text, text, "x");
            },
            iter: Texts
        );

    private static async Task<List<(string Type, string Id, string Data)>> ReadAsync(byte[] bytes, int size)
    {
        using var reader = new EventReader(
            new ChunkedStream(bytes.Chunk(size)),
            new Cursor(""),
            null,
            1 << 20,
            CancellationToken.None
        );

        var events = new List<(string, string, string)>();
        while (await reader.NextAsync() is { } received)
            events.Add((received.Type, received.Id, received.Data));

        return events;
    }
}
