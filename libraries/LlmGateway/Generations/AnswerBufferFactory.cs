using LlmGateway.Telemetry;

namespace LlmGateway.Generations;

/// <summary>Creates the buffers of answers.</summary>
internal sealed class AnswerBufferFactory(FlushScheduler scheduler, ChatMetrics metrics, TimeProvider clock)
{
    /// <param name="run">The run that the answer is.</param>
    /// <param name="format">Makes an event of text.</param>
    /// <param name="provider">Name of the provider that answers, for the metrics.</param>
    public AnswerBuffer Of(Run run, Func<string, RunEvent> format, string provider) =>
        new(run, format, scheduler, metrics, provider, clock);
}
