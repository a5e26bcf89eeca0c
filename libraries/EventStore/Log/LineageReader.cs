using EventStore;
using Npgsql;

namespace AspireSse.Server;

/// <summary>Translates stream ids of older epochs: a promotion that lost nothing continues the log under a new epoch.
/// Thread-safe.</summary>
/// <remarks>Needed only by a host that reads the log after its clients' ids, as StreamApi's history does.</remarks>
public sealed class LineageReader
{
    private readonly NpgsqlDataSource _store;

    internal LineageReader(NpgsqlDataSource store) => _store = store;

    /// <summary>Maximum epochs that are read. Ids of older epochs get a resync.</summary>
    private const int MostEpochs = 1_000;

    private Lineage _last = Lineage.Alone("");

    /// <summary>Returns the lineage of an epoch that the store has, or had a moment ago.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer. Or the server lacks the epoch, or it has
    /// still the epoch of a former primary.</exception>
    internal async ValueTask<Lineage> OfAsync(string epoch, CancellationToken cancellationToken)
    {
        var last = Volatile.Read(ref _last);
        var isFormer = last.Epoch != epoch && last.Knows(epoch);
        return (isFormer ? null : await FindAsync(epoch, cancellationToken))
            ?? throw new StoreUnavailableException($"The primary has changed (epoch {epoch}). Try again.");
    }

    /// <summary>Returns an epoch's lineage, or null if the server that answers lacks it, as during a
    /// promotion.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    internal async ValueTask<Lineage?> FindAsync(string epoch, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _last) is var last && last.Epoch == epoch)
            return last;

        var rows = await RowsAsync(cancellationToken);
        if (rows.All(r => r.Epoch != epoch))
            return null;

        var lineage = Lineage.Of(epoch, rows);
        Volatile.Write(ref _last, lineage);
        return lineage;
    }

    /// <summary>Returns the id of the same event in the store's epoch, or null if its log does not have it.</summary>
    /// <param name="id">The id.</param>
    /// <param name="epoch">The epoch that the store has, such as that of a page read before.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public async ValueTask<StreamPosition?> TranslateAsync(
        StreamPosition id,
        string epoch,
        CancellationToken cancellationToken = default
    ) => id.Epoch == epoch ? id : (await OfAsync(epoch, cancellationToken)).Translate(id);

    private Task<IReadOnlyList<EpochRow>> RowsAsync(CancellationToken cancellationToken) =>
        _store.ReadAsync<IReadOnlyList<EpochRow>>(
            $"select epoch, parent, common from eventstore.lineage order by number desc limit {MostEpochs}",
            command => command.RowsAsync(row => new EpochRow(row.GetString(0), row.TextOrNull(1), row.GetInt64(2))),
            cancellationToken
        );
}
