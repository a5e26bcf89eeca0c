using System.Globalization;

namespace Streaming.Connections;

/// <summary>Chunk framing (RFC 9112 §7.1) after a takeover: <c>&lt;hex length&gt;\r\n[payload]\r\n</c>.</summary>
internal static class Chunk
{
    /// <summary>Maximum bytes before the payload: eight hexadecimal digits and CRLF.</summary>
    public const int MaxHead = 10;

    public static readonly ReadOnlyMemory<byte> Last = "0\r\n\r\n"u8.ToArray();

    public static ReadOnlySpan<byte> End => "\r\n"u8;

    /// <param name="payload">The bytes to frame.</param>
    /// <param name="before">Bytes before the chunk.</param>
    public static byte[] Of(ReadOnlySpan<byte> payload, ReadOnlySpan<byte> before = default)
    {
        Span<byte> head = stackalloc byte[MaxHead];
        return [.. before, .. head[..WriteHead(head, payload.Length)], .. payload, .. End];
    }

    /// <summary>Writes the bytes before a payload of this length. Returns their number.</summary>
    public static int WriteHead(Span<byte> head, int length)
    {
        length.TryFormat(head, out var digits, "x", CultureInfo.InvariantCulture);
        "\r\n"u8.CopyTo(head[digits..]);
        return digits + 2;
    }
}
