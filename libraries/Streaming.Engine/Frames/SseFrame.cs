using System.Buffers;
using System.Globalization;
using System.Text;

namespace Streaming.Frames;

/// <summary>Writes frames of the event stream format (HTML Living Standard §9.2.5); no other code does. No input can
/// forge a field or a frame: ids and event names refuse line ends, data are split into lines.</summary>
/// <remarks>Every frame has data, because some clients show a frame without data as an empty message. The id is the
/// last field: some clients keep the id of a frame that is cut after it, and would miss the event.</remarks>
internal static class SseFrame
{
    /// <summary>A comment line without text: the first bytes of a stream. The part of a cut event that a browser kept
    /// joins this line.</summary>
    public static readonly byte[] FirstLine = ":\n"u8.ToArray();

    private static readonly SearchValues<byte> LineEnds = SearchValues.Create("\r\n"u8);

    /// <summary>Writes one <c>data: </c> line per line of text: CR, LF and CRLF all end a line.</summary>
    /// <param name="name">The event's name, or null for a message.</param>
    /// <param name="retry">The reconnection time in milliseconds, or null if there is none.</param>
    /// <exception cref="ArgumentException">CR or LF in the name; CR, LF or NUL in the id.</exception>
    public static void Write(
        IBufferWriter<byte> output,
        ReadOnlySpan<byte> data,
        string? name = null,
        string? id = null,
        int? retry = null
    )
    {
        if (name is not null && name.AsSpan().ContainsAny('\r', '\n'))
            throw new ArgumentException("An event name cannot hold CR or LF.", nameof(name));
        CheckId(id);

        if (name is not null)
            Field(output, "event: "u8, name);
        if (retry is { } milliseconds)
            Field(output, "retry: "u8, milliseconds.ToString(CultureInfo.InvariantCulture));
        Data(output, data);
        if (id is not null)
            Field(output, "id: "u8, id);

        output.Write("\n"u8);
    }

    /// <inheritdoc cref="Write"/>
    public static byte[] ToBytes(ReadOnlySpan<byte> data, string? name = null, string? id = null, int? retry = null)
    {
        var output = new ArrayBufferWriter<byte>(data.Length + 128);
        Write(output, data, name, id, retry);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Returns comment lines. No empty line follows, which some clients take for an empty message.</summary>
    public static byte[] Comment(string text)
    {
        var output = new ArrayBufferWriter<byte>(text.Length + 8);
        foreach (var line in text.Split(["\r\n", "\r", "\n"], StringSplitOptions.None))
            Field(output, ": "u8, line);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Returns the frames with a reconnection time in the first frame, unless that frame has its own, or null
    /// if there are only comments.</summary>
    public static byte[]? WithRetry(ReadOnlySpan<byte> frames, int milliseconds)
    {
        // 1. Find the first frame, behind the comments.
        var start = 0;
        while (start < frames.Length && frames[start] == ':')
            start += frames[start..].IndexOf((byte)'\n') + 1;
        if (start == frames.Length)
            return null;

        // 2. Keep a frame that has its own reconnection time.
        var first = frames[start..];
        var end = first.IndexOf("\n\n"u8);
        if (first.StartsWith("retry: "u8) || first[..end].IndexOf("\nretry: "u8) >= 0)
            return frames.ToArray();

        // 3. Insert the reconnection time after the name.
        if (first.StartsWith("event: "u8))
            start += first.IndexOf((byte)'\n') + 1;
        return [.. frames[..start], .. Encoding.UTF8.GetBytes($"retry: {milliseconds}\n"), .. frames[start..]];
    }

    /// <summary>Returns a frame with an id as its first field, for clients that take the id of a frame when they read
    /// its data.</summary>
    /// <exception cref="ArgumentException">CR, LF or NUL in the id.</exception>
    public static byte[] WithIdFirst(ReadOnlySpan<byte> frame, string id)
    {
        CheckId(id);
        return [.. Encoding.UTF8.GetBytes($"id: {id}\n"), .. frame];
    }

    private static void CheckId(string? id)
    {
        if (id is not null && id.AsSpan().ContainsAny('\r', '\n', '\0'))
            throw new ArgumentException("An id cannot hold CR, LF or NUL.", nameof(id));
    }

    private static void Data(IBufferWriter<byte> output, ReadOnlySpan<byte> utf8)
    {
        while (true)
        {
            var end = utf8.IndexOfAny(LineEnds);
            output.Write("data: "u8);
            output.Write(end < 0 ? utf8 : utf8[..end]);
            output.Write("\n"u8);

            if (end < 0)
                return;

            var crlf = utf8[end] == '\r' && end + 1 < utf8.Length && utf8[end + 1] == '\n';
            utf8 = utf8[(end + (crlf ? 2 : 1))..];
        }
    }

    private static void Field(IBufferWriter<byte> output, ReadOnlySpan<byte> name, ReadOnlySpan<char> value)
    {
        output.Write(name);
        Encoding.UTF8.GetBytes(value, output);
        output.Write("\n"u8);
    }
}
