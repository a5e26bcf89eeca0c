using Npgsql;

namespace EventStore;

/// <summary>The rights that a change of the schema needs.</summary>
internal static class SchemaRights
{
    /// <summary>The role, its database, and the first right that it lacks.</summary>
    private const string Sql = """
        select current_user, current_database(), case
            when current_setting('transaction_read_only')::boolean then
                'the right to write (default_transaction_read_only is on for it, its database or the server)'
            when s.oid is null and not has_database_privilege(current_database(), 'create') then
                'the right CREATE on the database'
            when s.oid is null then null
            when not has_schema_privilege(s.oid, 'usage') then 'the right USAGE on the schema'
            when exists (
                select from pg_class c where c.relnamespace = s.oid and not pg_has_role(c.relowner, 'usage')
                union all
                select from pg_proc p where p.pronamespace = s.oid and not pg_has_role(p.proowner, 'usage')
            ) then 'the ownership of the schema''s tables and functions'
            when not has_schema_privilege(s.oid, 'create') then 'the right CREATE on the schema'
        end
        from (select to_regnamespace('eventstore')::oid) s(oid)
        """;

    /// <summary>Checks that the session's role may change the schema.</summary>
    /// <param name="refused">Postgres's own refusal; null if it was not asked yet.</param>
    /// <exception cref="InvalidOperationException">It may not: the message names the role, the right and the way
    /// out.</exception>
    /// <exception cref="NpgsqlException">Postgres does not answer.</exception>
    public static async Task CheckAsync(
        NpgsqlConnection connection,
        PostgresException? refused,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand(Sql, connection);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);

        var (role, database) = (row.GetString(0), row.GetString(1));
        var lacking = row.IsDBNull(2) ? refused?.MessageText : row.GetString(2);
        if (lacking is not null)
            throw new InvalidOperationException(
                $"The schema eventstore in the database '{database}' is not up to date, and the role '{role}' may not "
                    + $"change it, because it lacks {lacking}: let its owner run the script that "
                    + $"EventStoreSchema.Script(\"{role}\") returns and 'StreamApi migrate --script {role}' prints.",
                refused
            );
    }
}
