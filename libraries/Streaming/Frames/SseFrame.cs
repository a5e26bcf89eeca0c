using System.Buffers;
using System.Globalization;
using System.Text;

namespace Streaming.Frames;

/// <summary>Writes frames of the event stream format (HTML Living Standard §9.2.5); no other code does. No input can
/// forge a field or a frame: ids and event names refuse line ends, data are split into lines.</summary>
internal readonly struct SseFrame(IBufferWriter<byte> output)
{
    private static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);

    /// <exception cref="ArgumentException">CR, LF or NUL in the id.</exception>
    public SseFrame Id(ReadOnlySpan<char> id) =>
        Field(
            "id: "u8,
            id.ContainsAny('\r', '\n', '\0')
                ? throw new ArgumentException("An id cannot hold CR, LF or NUL.", nameof(id))
                : id
        );

    /// <exception cref="ArgumentException">CR or LF in the name.</exception>
    public SseFrame Event(ReadOnlySpan<char> name) =>
        Field(
            "event: "u8,
            name.ContainsAny('\r', '\n')
                ? throw new ArgumentException("An event name cannot hold CR or LF.", nameof(name))
                : name
        );

    public SseFrame Retry(int milliseconds)
    {
        Span<char> digits = stackalloc char[11];
        milliseconds.TryFormat(digits, out var length, default, CultureInfo.InvariantCulture);
        return Field("retry: "u8, digits[..length]);
    }

    /// <summary>Writes one <c>data: </c> line per line of text. CR, LF and CRLF all end a line.</summary>
    public SseFrame Data(ReadOnlySpan<byte> utf8)
    {
        while (true)
        {
            var end = utf8.IndexOfAny(LineEnds);
            output.Write("data: "u8);
            output.Write(end < 0 ? utf8 : utf8[..end]);
            output.Write("\n"u8);

            if (end < 0)
                return this;

            var crlf = utf8[end] == '\r' && end + 1 < utf8.Length && utf8[end + 1] == '\n';
            utf8 = utf8[(end + (crlf ? 2 : 1))..];
        }
    }

    public SseFrame Data(string text) => Data(Encoding.UTF8.GetBytes(text));

    public SseFrame Comment(string text)
    {
        foreach (var line in text.Split(["\r\n", "\r", "\n"], StringSplitOptions.None))
            Field(": "u8, line);
        return this;
    }

    /// <summary>Writes the empty line that makes the client dispatch the event.</summary>
    public void End() => output.Write("\n"u8);

    private SseFrame Field(ReadOnlySpan<byte> name, ReadOnlySpan<char> value)
    {
        output.Write(name);
        Encoding.UTF8.GetBytes(value, output);
        output.Write("\n"u8);
        return this;
    }

    public static byte[] ToBytes(Action<SseFrame> write)
    {
        var output = new ArrayBufferWriter<byte>(256);
        write(new SseFrame(output));
        return output.WrittenSpan.ToArray();
    }
}
