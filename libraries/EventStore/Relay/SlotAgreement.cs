using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStore;

/// <summary>
/// Compares this service's slots with those of the services before it, which Postgres keeps. The start fails if they
/// differ; without Postgres, the service stops as soon as it finds out.
/// </summary>
internal sealed class SlotAgreement(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    TopicSlots slots,
    IHostApplicationLifetime lifetime,
    ILogger<SlotAgreement> logger
) : IHostedService
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2),
        Interval = TimeSpan.FromSeconds(1);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (!await IsComparedAsync(cancellationToken))
            _ = Task.Run(CompareLaterAsync, CancellationToken.None);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Returns false if Postgres does not answer, or has no table of settings yet.</summary>
    /// <exception cref="InvalidOperationException">The slots differ.</exception>
    private async Task<bool> IsComparedAsync(CancellationToken cancellationToken)
    {
        var mine = $"{slots.Count} by {slots.Tokens}";
        string? agreed;
        try
        {
            agreed = await ReadOrWriteAsync(mine).WaitAsync(Timeout, cancellationToken);
        }
        catch (Exception e) when (e is StoreUnavailableException or TimeoutException)
        {
            return false;
        }
        if (agreed is not null && agreed != mine)
            throw new InvalidOperationException(
                $"This service divides topics into {mine} slots and tokens, the others into {agreed} "
                    + "(EventStore:Slots by EventStore:SlotTokens). Give all services the same values. To change them "
                    + "for all, stop every service, delete the row 'slots' of eventstore.settings and start them again."
            );
        return agreed is not null;
    }

    private Task<string?> ReadOrWriteAsync(string mine) =>
        store.AskAsync(
            """
            with written as (
                insert into eventstore.settings (name, value)
                select 'slots', $1 where not exists (select from eventstore.settings where name = 'slots')
                on conflict do nothing
                returning value
            )
            select value from written union all select value from eventstore.settings where name = 'slots'
            """,
            async command => await command.With(mine).ExecuteScalarAsync(CancellationToken.None) as string
        );

    private async Task CompareLaterAsync()
    {
        try
        {
            do await Task.Delay(Interval, lifetime.ApplicationStopping);
            while (!await IsComparedAsync(lifetime.ApplicationStopping));
        }
        catch (OperationCanceledException) { }
        catch (InvalidOperationException e)
        {
            logger.LogCritical("The service stops: {Reason}", e.Message);
            Environment.ExitCode = 1;
            lifetime.StopApplication();
        }
    }
}
