using Google.Protobuf;

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
    public static IEnumerable<OtlpSpan> In(ByteString export) =>
        from resource in Fields(export)
        where resource.Number == 1
        from scope in Fields(resource.Bytes)
        where scope.Number == 2
        from span in Fields(scope.Bytes)
        where span.Number == 2
        select Of(span.Bytes);

    /// <summary>Reads <c>trace_id = 1, span_id = 2, parent_span_id = 4, name = 5</c>.</summary>
    private static OtlpSpan Of(ByteString span)
    {
        var fields = Fields(span).ToLookup(field => field.Number, field => field.Bytes);
        return new OtlpSpan(
            fields[5].LastOrDefault(ByteString.Empty).ToStringUtf8(),
            Hex(fields[1]),
            Hex(fields[2]),
            Hex(fields[4])
        );
    }

    private static string Hex(IEnumerable<ByteString> id) =>
        Convert.ToHexStringLower(id.LastOrDefault(ByteString.Empty).Span);

    /// <summary>The fields of a message that have a length (https://protobuf.dev/programming-guides/encoding).
    /// </summary>
    private static IEnumerable<(int Number, ByteString Bytes)> Fields(ByteString message)
    {
        using var input = message.CreateCodedInput();
        while (input.ReadTag() is not 0 and var tag)
            if (WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
                yield return (WireFormat.GetTagFieldNumber(tag), input.ReadBytes());
            else
                input.SkipLastField();
    }
}
