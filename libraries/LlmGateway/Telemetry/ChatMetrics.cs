using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace LlmGateway.Telemetry;

/// <summary>
/// Meter and source <c>AspireSse.Llm</c>, after OpenTelemetry's conventions for generative AI
/// (https://opentelemetry.io/docs/specs/semconv/gen-ai/). The spans have prompts and answers only if
/// <see cref="CapturesMessages"/> is set.
/// </summary>
internal sealed class ChatMetrics
{
    public static readonly ActivitySource Source = new("AspireSse.Llm");

    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _first;
    private readonly Histogram<double> _per;
    private readonly Histogram<double> _rate;
    private readonly Histogram<double> _stored;
    private readonly Histogram<long> _tokens;

    public ChatMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("AspireSse.Llm");

        _duration = Seconds("gen_ai.client.operation.duration", "Duration of an answer, from the request to its end.");
        _first = Seconds("gen_ai.client.operation.time_to_first_chunk", "Time to first token.");
        _per = Seconds("gen_ai.client.operation.time_per_output_chunk", "Time between two tokens.");
        _tokens = meter.CreateHistogram<long>("gen_ai.client.token.usage", "{token}", "Input and output tokens.");

        // The conventions lack the following metrics.
        const string rate = "Tokens per second of an answer, after the first token.";
        _rate = meter.CreateHistogram<double>("llm.gateway.output.rate", "{token}/s", rate);
        _stored = Seconds("llm.gateway.token.delay", "Time from a token's arrival to its commit, flush included.");

        Histogram<double> Seconds(string name, string description) =>
            meter.CreateHistogram<double>(name, "s", description);
    }

    /// <summary>True if spans record the messages (<see cref="MessageContent"/>).</summary>
    public bool CapturesMessages { get; init; }

    /// <summary>Returns a provider's name by the conventions; a provider that they do not know gets a prefix.</summary>
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

    /// <summary>Records the time since the token before.</summary>
    public void ChunkReceived(TimeSpan sinceLast, in TagList tags) => _per.Record(sinceLast.TotalSeconds, tags);

    public void Stored(TimeSpan delay, string provider) =>
        _stored.Record(delay.TotalSeconds, new KeyValuePair<string, object?>("gen_ai.provider.name", NameOf(provider)));
}
