namespace Reliability.Failover;

/// <summary>The cluster and the load that the failovers share: they happen in turn, under readers that stay.</summary>
internal sealed class FailoverLab : IAsyncDisposable
{
    private FailoverSystem? _system;
    private FailoverLoad? _load;
    private bool _synchronous;

    public static FailoverLab Shared { get; } = new();

    /// <summary>Returns the cluster with its load, complete and without a fault.</summary>
    public async Task<(FailoverSystem System, FailoverLoad Load)> ReadyAsync(
        bool synchronous,
        ReliabilityOptions options,
        CancellationToken cancellationToken
    )
    {
        if (_system is null || _synchronous != synchronous)
        {
            await DisposeAsync();
            // Finding the programs blocks a thread. After the disposal this may be the thread of a socket, and the
            // output of a child process would wait for it.
            _system = await Task.Run(
                () => FailoverSystem.StartAsync(synchronous, cancellationToken),
                cancellationToken
            );
            _synchronous = synchronous;
        }
        await _system.WaitUntilReadyAsync(cancellationToken);
        _load ??= await FailoverLoad.StartAsync(
            _system,
            options.FailoverClients,
            options.FailoverRate,
            cancellationToken
        );
        return (_system, _load);
    }

    public async ValueTask DisposeAsync()
    {
        if (_load is not null)
            await _load.DisposeAsync();
        if (_system is not null)
            await _system.DisposeAsync();
        (_load, _system) = (null, null);
    }
}
