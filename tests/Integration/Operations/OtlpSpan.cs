using System.Text;

namespace Integration.Operations;

/// <summary>A span of an OTLP export, as <c>opentelemetry/proto/trace/v1/trace.proto</c> has it
/// (https://github.com/open-telemetry/opentelemetry-proto).</summary>
/// <param name="Name">Its name.</param>
/// <param name="Trace">Id of its trace, in hexadecimal digits as in <c>traceparent</c>.</param>
/// <param name="Id">Its own id.</param>
/// <param name="Parent">Id of its parent; empty without one.</param>
internal sealed record OtlpSpan(string Name, string Trace, string Id, string Parent)
{
    /// <summary>Reads <c>resource_spans = 1 { scope_spans = 2 { spans = 2 } }</c>. Exports of logs and metrics nest
    /// alike and give spans of no trace.</summary>
    public static IEnumerable<OtlpSpan> In(ReadOnlyMemory<byte> export) =>
        from resource in Fields(export)
        where resource.Number == 1
        from scope in Fields(resource.Bytes)
        where scope.Number == 2
        from span in Fields(scope.Bytes)
        where span.Number == 2
        select Of(span.Bytes);

    /// <summary>Reads <c>trace_id = 1, span_id = 2, parent_span_id = 4, name = 5</c>.</summary>
    private static OtlpSpan Of(ReadOnlyMemory<byte> span)
    {
        var fields = Fields(span).ToLookup(field => field.Number, field => field.Bytes);
        return new OtlpSpan(
            Encoding.UTF8.GetString(fields[5].LastOrDefault().Span),
            Hex(fields[1]),
            Hex(fields[2]),
            Hex(fields[4])
        );
    }

    private static string Hex(IEnumerable<ReadOnlyMemory<byte>> id) =>
        Convert.ToHexStringLower(id.LastOrDefault().Span);

    /// <summary>The fields of a message that have a length (https://protobuf.dev/programming-guides/encoding).
    /// </summary>
    private static IEnumerable<(int Number, ReadOnlyMemory<byte> Bytes)> Fields(ReadOnlyMemory<byte> message)
    {
        for (var at = 0; at < message.Length; )
        {
            var tag = Varint(message.Span, ref at);
            switch (tag & 7)
            {
                case 0:
                    Varint(message.Span, ref at);
                    break;
                case 1:
                    at += 8;
                    break;
                case 2:
                    var length = (int)Varint(message.Span, ref at);
                    yield return ((int)(tag >> 3), message.Slice(at, length));
                    at += length;
                    break;
                case 5:
                    at += 4;
                    break;
                default:
                    throw new InvalidDataException($"Wire type {tag & 7} at {at}.");
            }
        }
    }

    private static ulong Varint(ReadOnlySpan<byte> bytes, ref int at)
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var next = bytes[at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
                return value;
        }
    }
}
