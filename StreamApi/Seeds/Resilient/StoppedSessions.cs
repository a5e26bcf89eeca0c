using EventStore;
using Microsoft.Extensions.Options;
using Npgsql;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Resilient;

/// <summary>
/// Sessions whose source has stopped. One is deleted after its messages have left the log: a new session of the same
/// name counts from 1 again, and a topic has each number once.
/// </summary>
internal sealed class StoppedSessions(
    NpgsqlDataSource store,
    TopicReader topics,
    IOptions<ResilientOptions> options,
    TimeProvider clock
) : EndedRows(store, "resilient.sessions", Stopped, "seen_at", options.Value.MaxAgeDays, clock)
{
    private const string Stopped = "next_at is null";

    private readonly NpgsqlDataSource _store = store;

    protected override async Task<int> DeleteAsync(DateTimeOffset before, int most, CancellationToken cancellationToken)
    {
        var old = await _store.ReadAsync(
            $"select array(select id from resilient.sessions where {Stopped} and seen_at < $1 order by seen_at "
                + $"limit {most})",
            async command =>
            {
                command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = before });
                return (string[])(await command.ExecuteScalarAsync(CancellationToken.None))!;
            },
            cancellationToken
        );
        if (old.Length == 0)
            return 0;
        var empty = (
            await topics.WithoutEventsAsync(
                [.. old.Select(Session.Topic), .. old.Select(Session.ControlTopic)],
                cancellationToken
            )
        ).ToHashSet();
        string[] forgotten =
        [
            .. old.Where(id => empty.Contains(Session.Topic(id)) && empty.Contains(Session.ControlTopic(id))),
        ];
        return await DeleteAsync(
            $"{Stopped} and seen_at < $1 and id = any($2)",
            command =>
            {
                command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = before });
                command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = forgotten });
            },
            most,
            cancellationToken
        );
    }
}
