using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EventStore;

/// <summary>Compares this service's slots with the ones stored in Postgres by the first service.</summary>
internal sealed class SlotAgreement(
    [FromKeyedServices(StorePool.Feed)] NpgsqlDataSource store,
    TopicSlots slots,
    IHostApplicationLifetime lifetime,
    TimeProvider clock,
    ILogger<SlotAgreement> logger
) : StoreAgreement(lifetime, clock, logger)
{
    protected override async Task<bool> CompareAsync(CancellationToken cancellationToken)
    {
        var mine = $"{slots.Count} by {slots.Tokens}";
        var agreed = await ReadOrWriteAsync(mine, cancellationToken);
        if (agreed is not null && agreed != mine)
            throw new InvalidOperationException(
                $"This service divides topics into {mine} slots and tokens, the others into {agreed} "
                    + "(EventStore:Slots by EventStore:SlotTokens). Give all services the same values. To change them "
                    + "for all, stop every service, delete the row 'slots' of eventstore.settings and start them again."
            );
        return agreed is not null;
    }

    private Task<string?> ReadOrWriteAsync(string mine, CancellationToken cancellationToken) =>
        store.ChangeAsync(
            """
            with written as (
                insert into eventstore.settings (name, value)
                select 'slots', $1 where not exists (select from eventstore.settings where name = 'slots')
                on conflict do nothing
                returning value
            )
            select value from written union all select value from eventstore.settings where name = 'slots'
            """,
            async command => await command.With(mine).ExecuteScalarAsync(CancellationToken.None) as string,
            cancellationToken
        );
}
