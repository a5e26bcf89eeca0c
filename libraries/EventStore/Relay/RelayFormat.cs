using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace EventStore;

/// <summary>Writes and reads the messages of the relay, without their signature: <c>04 epoch fence previous last sent
/// traceparent count first-tokens</c> with LEB128 integers and length-prefixed UTF-8, then the events as JSON
/// (<see cref="RelayEvents"/>). The count is 0 if there are too many tokens to name, otherwise their number plus
/// one.</summary>
internal static class RelayFormat
{
    private const byte Version = 4;

    /// <summary>Largest buffer that a thread keeps: nearly all pages fit.</summary>
    private const int MaxKeptBytes = 64 * 1024;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _kept;

    /// <summary>Writes a page, with the first tokens and the JSON of <paramref name="events"/>.</summary>
    public static byte[] ToBytes(RelayPage page, IReadOnlyList<EventRecord> events)
    {
        var output = _kept ?? new ArrayBufferWriter<byte>(256 + 512 * events.Count);
        output.ResetWrittenCount();
        output.Write([Version]);
        Write(output, page.Epoch);
        Write(output, page.Fence);
        Write(output, page.Previous);
        Write(output, page.Last);
        Write(output, page.Sent);
        Write(output, page.TraceParent ?? "");

        var tokens = FirstTokens.Of(events);
        Write(output, tokens is null ? 0 : tokens.Count + 1);

        foreach (var token in tokens ?? [])
            Write(output, token);

        if (events.Count > 0)
            RelayEvents.Write(output, events);

        _kept = output.Capacity <= MaxKeptBytes ? output : null;
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Reads a message. Its events stay slices of <paramref name="bytes"/>, which must not change.</summary>
    /// <exception cref="InvalidDataException">The message has another version, or contradicts itself.</exception>
    /// <exception cref="Exception">The bytes are not a message; which exception it is depends on the bytes.</exception>
    public static RelayPage Parse(ReadOnlyMemory<byte> bytes)
    {
        if (!MemoryMarshal.TryGetArray(bytes, out var segment))
            segment = new ArraySegment<byte>(bytes.ToArray());

        using var input = new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false);
        using var reader = new BinaryReader(input);
        if (reader.ReadByte() is var version && version != Version)
            throw new InvalidDataException(
                $"The relay message has version {version}; this server reads version {Version}. Run the same release "
                    + "of StreamApi and Broadcaster."
            );

        var page = new RelayPage(
            reader.ReadString(),
            reader.Read7BitEncodedInt64(),
            reader.Read7BitEncodedInt64(),
            reader.Read7BitEncodedInt64(),
            reader.Read7BitEncodedInt64()
        )
        {
            TraceParent = reader.ReadString() is { Length: > 0 } traceParent ? traceParent : null,
            FirstTokens = ReadTokens(reader),
            Events = bytes[(int)input.Position..],
        };

        var contradicts = page.Previous < 0 || page.Previous > page.Last || page.Events.IsEmpty != page.IsHeartbeat;
        return page.Epoch.Length == 0 || contradicts
            ? throw new InvalidDataException("The relay message contradicts itself.")
            : page;
    }

    private static void Write(ArrayBufferWriter<byte> output, string text)
    {
        Write(output, Encoding.UTF8.GetByteCount(text));
        Encoding.UTF8.GetBytes(text, output);
    }

    private static void Write(ArrayBufferWriter<byte> output, long number)
    {
        var rest = (ulong)number;
        for (; rest > 0x7F; rest >>= 7)
            output.Write([(byte)(rest | 0x80)]);
        output.Write([(byte)rest]);
    }

    private static string[]? ReadTokens(BinaryReader reader)
    {
        var count = reader.Read7BitEncodedInt() - 1;
        if (count < 0)
            return null;

        if (count > FirstTokens.Most)
            throw new InvalidDataException($"The relay message names {count} tokens, more than {FirstTokens.Most}.");

        var tokens = new string[count];

        for (var i = 0; i < count; i++)
            tokens[i] = reader.ReadString();

        return tokens;
    }
}
