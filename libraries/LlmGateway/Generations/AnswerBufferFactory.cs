using LlmGateway.Telemetry;

namespace LlmGateway.Generations;

/// <summary>Creates the buffers of answers.</summary>
internal sealed class AnswerBufferFactory(FlushScheduler scheduler, ChatMetrics metrics, TimeProvider clock)
{
    /// <param name="run">The run that stores the answer.</param>
    /// <param name="format">Creates the event for a piece of text.</param>
    /// <param name="provider">Name of the provider that answers, for the metrics.</param>
    public AnswerBuffer Of(Run run, Func<string, RunEvent> format, string provider) =>
        new(run, format, provider, scheduler, metrics, clock);
}
