using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace LlmGateway.Telemetry;

/// <summary>
/// Meter and source <c>AspireSse.Llm</c>, after OpenTelemetry's conventions for generative AI
/// (https://opentelemetry.io/docs/specs/semconv/gen-ai/). What is said is in none of them.
/// </summary>
internal sealed class ChatMetrics
{
    public static readonly ActivitySource Source = new("AspireSse.Llm");

    private readonly Histogram<double> _duration,
        _first,
        _per,
        _rate,
        _stored;
    private readonly Histogram<long> _tokens;

    public ChatMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("AspireSse.Llm");
        _duration = meter.CreateHistogram<double>(
            "gen_ai.client.operation.duration",
            "s",
            "One answer, from the request to its last token."
        );
        _first = meter.CreateHistogram<double>(
            "gen_ai.client.operation.time_to_first_chunk",
            "s",
            "Time to first token."
        );
        _per = meter.CreateHistogram<double>(
            "gen_ai.client.operation.time_per_output_chunk",
            "s",
            "From one token to the next."
        );
        _tokens = meter.CreateHistogram<long>("gen_ai.client.token.usage", "{token}", "Tokens read and written.");
        _rate = meter.CreateHistogram<double>(
            "llm.gateway.output.rate",
            "{token}/s",
            "Tokens a second of one answer, after the first."
        );
        _stored = meter.CreateHistogram<double>(
            "llm.gateway.token.delay",
            "s",
            "From a token's arrival to its being stored: what the gateway adds, the time of joining included."
        );
    }

    /// <summary>A provider as the conventions name it; what they do not know gets a name of our own.</summary>
    public static string NameOf(string provider) =>
        provider switch
        {
            "local" => "aspire-sse.local",
            "demo" => "aspire-sse.demo",
            _ => provider,
        };

    public void Answered(TagList tags, TimeSpan took, TimeSpan? first, long chunks, long? input, long? output)
    {
        _duration.Record(took.TotalSeconds, tags);
        if (first is { } toFirst)
        {
            _first.Record(toFirst.TotalSeconds, tags);
            var rest = (took - toFirst).TotalSeconds;
            if (chunks > 1 && rest > 0)
                _rate.Record(((output ?? chunks) - 1) / rest, tags);
        }
        Usage("input", input);
        Usage("output", output);

        void Usage(string type, long? count)
        {
            if (count is null)
                return;
            var typed = tags;
            typed.Add("gen_ai.token.type", type);
            _tokens.Record(count.Value, typed);
        }
    }

    /// <summary>One more came, so long after the one before it.</summary>
    public void ChunkReceived(TimeSpan after, in TagList tags) => _per.Record(after.TotalSeconds, tags);

    public void Stored(TimeSpan delay, string provider) =>
        _stored.Record(delay.TotalSeconds, new KeyValuePair<string, object?>("gen_ai.provider.name", NameOf(provider)));
}
