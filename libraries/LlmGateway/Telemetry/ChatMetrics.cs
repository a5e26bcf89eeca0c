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

    private readonly Histogram<double> _stored;

    public ChatMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("AspireSse.Llm");

        Duration = Seconds("gen_ai.client.operation.duration", "Duration of an answer, from the request to its end.");
        FirstChunk = Seconds("gen_ai.client.operation.time_to_first_chunk", "Time to first token.");
        NextChunk = Seconds("gen_ai.client.operation.time_per_output_chunk", "Time between two tokens.");
        Tokens = meter.CreateHistogram<long>("gen_ai.client.token.usage", "{token}", "Input and output tokens.");

        // The conventions lack the following metrics.
        const string rate = "Tokens per second of an answer, after the first token.";
        Rate = meter.CreateHistogram<double>("llm.gateway.output.rate", "{token}/s", rate);
        _stored = Seconds("llm.gateway.token.delay", "Time from a token's arrival to its commit, flush included.");

        Histogram<double> Seconds(string name, string description) =>
            meter.CreateHistogram<double>(name, "s", description);
    }

    public Histogram<double> Duration { get; }
    public Histogram<double> FirstChunk { get; }
    public Histogram<double> NextChunk { get; }
    public Histogram<double> Rate { get; }
    public Histogram<long> Tokens { get; }

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

    public void Stored(TimeSpan delay, string provider) =>
        _stored.Record(delay.TotalSeconds, new KeyValuePair<string, object?>("gen_ai.provider.name", NameOf(provider)));
}
