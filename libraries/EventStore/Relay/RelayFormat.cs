using System.Runtime.InteropServices;

namespace EventStore;

/// <summary>
/// Writes and reads the messages of the relay. The bytes, with LEB128 integers and length-prefixed UTF-8:
/// <c>03 kind slots tokens epoch fence previous last</c>, then for an index (<c>p</c>) <c>sent set-of-slots</c>, for a
/// heartbeat (<c>h</c>) <c>sent lowest-head set-of-slots-beyond-it their-heads</c> as distances to <c>last</c> and
/// <c>placement</c> as 8 bytes, and for a body (<c>b</c>) <c>slot traceparent</c> and the events as JSON. Thread-safe.
/// </summary>
/// <remarks>Every message has the number of slots and tokens: a receiver that divides the topics differently would look
/// for events on the wrong channels. Versions without <c>placement</c> ignore what follows the heads.</remarks>
public sealed class RelayFormat(TopicSlots slots)
{
    private const byte Version = 3,
        Index = (byte)'p',
        HeartbeatKind = (byte)'h',
        Body = (byte)'b';

    /// <summary>Writes a message, without a signature.</summary>
    public byte[] ToBytes(RelayMessage message)
    {
        using var output = new MemoryStream(message is SlotBody body ? 256 + 512 * body.Events.Count : 256);
        using var writer = new BinaryWriter(output);
        writer.Write(Version);
        writer.Write(
            message switch
            {
                PageIndex => Index,
                Heartbeat => HeartbeatKind,
                _ => Body,
            }
        );
        writer.Write7BitEncodedInt(slots.Count);
        writer.Write7BitEncodedInt(slots.Tokens);
        writer.Write(message.Page.Epoch);
        writer.Write7BitEncodedInt64(message.Page.Fence);
        writer.Write7BitEncodedInt64(message.Page.Previous);
        writer.Write7BitEncodedInt64(message.Page.Last);
        switch (message)
        {
            case PageIndex index:
                writer.Write7BitEncodedInt64(index.Sent);
                index.Slots.WriteTo(writer);
                break;
            case Heartbeat heartbeat:
                writer.Write7BitEncodedInt64(heartbeat.Sent);
                WriteHeads(writer, heartbeat);
                if (heartbeat.Placement is { } placement)
                    writer.Write(placement);
                break;
            case SlotBody slot:
                writer.Write7BitEncodedInt(slot.Slot);
                writer.Write(slot.TraceParent ?? "");
                RelayEvents.Write(output, slot.Events);
                break;
        }
        return output.ToArray();
    }

    /// <summary>Reads a message. The data of its events are slices of <paramref name="bytes"/>, which must not change
    /// afterwards.</summary>
    /// <exception cref="InvalidDataException">The message has another version or other slots, or contradicts
    /// itself.</exception>
    /// <exception cref="Exception">The bytes are not a message; which exception it is depends on them.</exception>
    public RelayMessage Parse(ReadOnlyMemory<byte> bytes)
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
        var kind = reader.ReadByte();
        var (count, tokens) = (reader.Read7BitEncodedInt(), reader.Read7BitEncodedInt());
        if ((count, tokens) != (slots.Count, slots.Tokens))
            throw new InvalidDataException(
                $"The Broadcaster divides topics into {count} slots by {tokens} tokens, this server into "
                    + $"{slots.Count} by {slots.Tokens}. Set EventStore:Slots and EventStore:SlotTokens alike."
            );
        var page = new RelayPage(
            reader.ReadString(),
            reader.Read7BitEncodedInt64(),
            reader.Read7BitEncodedInt64(),
            reader.Read7BitEncodedInt64()
        );
        if (page.Epoch.Length == 0 || page.Previous < 0 || page.Previous > page.Last)
            throw Contradiction();
        switch (kind)
        {
            case Index:
                var sent = reader.Read7BitEncodedInt64();
                return new PageIndex(page, sent, SlotSet.Read(reader, count));
            case HeartbeatKind:
                sent = reader.Read7BitEncodedInt64();
                var heads = ReadHeads(reader, page);
                return new Heartbeat(page, sent, heads, input.Position < input.Length ? reader.ReadUInt64() : null);
            case Body:
                var (number, traceParent) = (reader.Read7BitEncodedInt(), reader.ReadString());
                var events = RelayEvents.Read(bytes[(int)input.Position..]);
                Check(page, number, events);
                return new SlotBody(page, number, events, traceParent.Length > 0 ? traceParent : null);
            default:
                throw new InvalidDataException($"The relay message is of the unknown kind {kind}.");
        }
    }

    private static void WriteHeads(BinaryWriter writer, Heartbeat heartbeat)
    {
        var lowest = heartbeat.Heads.Min();
        var beyond = new SlotSet(heartbeat.Heads.Count);
        for (var slot = 0; slot < heartbeat.Heads.Count; slot++)
            if (heartbeat.Heads[slot] > lowest)
                beyond.Add(slot);
        writer.Write7BitEncodedInt64(heartbeat.Page.Last - lowest);
        beyond.WriteTo(writer);
        foreach (var slot in beyond)
            writer.Write7BitEncodedInt64(heartbeat.Page.Last - heartbeat.Heads[slot]);
    }

    private long[] ReadHeads(BinaryReader reader, RelayPage page)
    {
        var heads = new long[slots.Count];
        Array.Fill(heads, page.Last - reader.Read7BitEncodedInt64());
        foreach (var slot in SlotSet.Read(reader, slots.Count))
            heads[slot] = page.Last - reader.Read7BitEncodedInt64();
        return heads;
    }

    private void Check(RelayPage page, int slot, List<EventRecord> events)
    {
        var at = page.Previous;
        foreach (var e in events)
        {
            if (e.Position <= at || slots.Of(e.Topic) != slot)
                throw Contradiction();
            at = e.Position;
        }
        if (at > page.Last || events.Count == 0)
            throw Contradiction();
    }

    private static InvalidDataException Contradiction() => new("The relay message contradicts itself.");
}
