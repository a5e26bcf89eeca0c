using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStore;

/// <summary>Compares this version's schema with the store's. A newer one fits, so that a version can be replaced while
/// it serves.</summary>
internal sealed class SchemaAgreement(
    StoreMigrator schema,
    IHostApplicationLifetime lifetime,
    TimeProvider clock,
    ILogger<SchemaAgreement> logger
) : StoreAgreement(lifetime, clock, logger)
{
    protected override async Task<bool> CompareAsync(CancellationToken cancellationToken)
    {
        var missing = await schema.MissingAsync(cancellationToken);
        return missing.Count == 0
            ? true
            : throw new InvalidOperationException(
                "The database of the event log has another schema than this version's: it lacks "
                    + $"{string.Join(", ", missing)}. Check which database the connection string names, and run "
                    + "'StreamApi migrate' of this version."
            );
    }
}
