namespace Reliability;

/// <summary>Breaks something once a second for as long as the fault lasts.</summary>
internal sealed class EachSecondProbe(Func<ReliabilitySystem, CancellationToken, Task> breakAsync) : IFaultProbe
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private int _times;

    public string Remark => $"{_times} times";

    public async Task AskAsync(ReliabilitySystem system, CancellationToken cancellationToken)
    {
        // Not cancelled: what is broken by halves would not be what the row says.
        await breakAsync(system, CancellationToken.None);
        _times++;
        await Task.Delay(Interval, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
