using System.Globalization;

namespace Streaming.Connections;

/// <summary>
/// HTTP/1.1 chunk framing (RFC 9112 §7.1), for connections that Kestrel no longer frames:
/// <code>&lt;hex length&gt;\r\n[payload]\r\n</code>
/// </summary>
internal static class Chunk
{
    /// <summary>Maximum bytes before the payload: eight hexadecimal digits and CRLF.</summary>
    public const int MaxHead = 10;

    /// <summary>The last chunk of a body.</summary>
    public static readonly ReadOnlyMemory<byte> Last = "0\r\n\r\n"u8.ToArray();

    /// <summary>The bytes after the payload.</summary>
    public static ReadOnlySpan<byte> End => "\r\n"u8;

    /// <summary>Returns a chunk with a copy of the payload.</summary>
    public static byte[] Of(ReadOnlySpan<byte> payload)
    {
        Span<byte> head = stackalloc byte[MaxHead];
        return [.. head[..WriteHead(head, payload.Length)], .. payload, .. End];
    }

    /// <summary>Writes the bytes before a payload of this length. Returns their number.</summary>
    public static int WriteHead(Span<byte> head, int length)
    {
        length.TryFormat(head, out var digits, "x", CultureInfo.InvariantCulture);
        "\r\n"u8.CopyTo(head[digits..]);
        return digits + 2;
    }
}
