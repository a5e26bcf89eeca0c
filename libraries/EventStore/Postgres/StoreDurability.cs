using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace EventStore;

/// <summary>The number of machines that have an event when it is acknowledged.</summary>
/// <param name="Connected">Number of synchronous standbys that are connected, or null if this role may not know
/// it.</param>
internal sealed partial record StoreDurability(string Commit, string Names, int? Connected)
{
    /// <summary>A row: recovery, this record's values, Postgres's time, and whether sessions only read.</summary>
    internal const string Sql = """
        select pg_is_in_recovery(), current_setting('synchronous_commit'), current_setting('synchronous_standby_names'),
            case when pg_has_role('pg_read_all_stats', 'usage') then
                (select count(*)::int from pg_stat_replication where sync_state in ('sync', 'quorum'))
            end,
            clock_timestamp(), current_setting('transaction_read_only')::boolean
        """;

    /// <summary>The number of standbys whose confirmation each commit awaits.</summary>
    public int Standbys =>
        Commit is "off" or "local" || Names.Trim().Length == 0 ? 0
        : Count().Match(Names) is { Success: true } match
            ? int.Parse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture)
        : 1;

    /// <summary>True while commits wait because too few synchronous standbys are connected.</summary>
    public bool IsWaiting => Connected < Standbys;

    /// <summary>Returns the text that <c>/health</c> shows.</summary>
    public override string ToString() =>
        Standbys == 0
            ? Commit == "off"
                ? "not durable (synchronous_commit is off)"
                : "one machine"
            : $"synchronous on {Standbys} {(Standbys == 1 ? "standby" : "standbys")}"
                + (Connected is { } connected ? $", {connected} connected" : "");

    internal static async Task<(ReadOnlyReason? ReadOnly, StoreDurability Durability)> ReadAsync(
        NpgsqlCommand command,
        StoreClock clock
    )
    {
        var asked = clock.Local.GetUtcNow();
        var began = clock.Local.GetTimestamp();
        await using var row = await command.ExecuteReaderAsync();

        await row.ReadAsync();

        clock.Note(asked, clock.Local.GetElapsedTime(began), row.GetFieldValue<DateTimeOffset>(4));
        return (
            row.GetBoolean(0) ? ReadOnlyReason.Standby
            : row.GetBoolean(5) ? ReadOnlyReason.Setting
            : null,
            new StoreDurability(row.GetString(1), row.GetString(2), row.IsDBNull(3) ? null : row.GetInt32(3))
        );
    }

    // "ANY 1 (a, b)", "FIRST 2 (a, b, c)", "2 (a, b, c)"; a plain list, or *, is FIRST 1.
    [GeneratedRegex(@"^\s*(?:(?:FIRST|ANY)\s+)?(\d+)\s*\(", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Count();
}
