using System.Text.RegularExpressions;
using Npgsql;

namespace EventStore;

/// <summary>The rights that a change of the schema needs, and those that its use needs.</summary>
internal static partial class SchemaRights
{
    /// <summary>The role, its database, and the first right that it lacks to change the schema.</summary>
    private const string ToChange = """
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

    /// <summary>The role, its database, and the first right that it lacks to use these relations and functions.
    /// </summary>
    private const string ToUse = """
        select current_user, current_database(), (
            select lacking from (
                select 1, 'the right USAGE on the schema' where not has_schema_privilege(s.oid, 'usage')
                union all
                select 2, format('the right %s on %s', upper(r.name), c.oid::regclass)
                from pg_class c cross join lateral unnest(case
                    when c.relkind = 'S' then '{select,usage,update}'
                    when c.relname = 'secrets' then '{select}'
                    else '{select,insert,update,delete}'
                end::text[]) r(name)
                where c.relnamespace = s.oid and c.relname = any ($1) and not
                    case c.relkind when 'S' then has_sequence_privilege(c.oid, r.name)
                        else has_table_privilege(c.oid, r.name) end
                union all
                select 3, format('the right EXECUTE on %s', p.oid::regprocedure)
                from pg_proc p
                where p.pronamespace = s.oid and p.proname = any ($1) and not has_function_privilege(p.oid, 'execute')
            ) as l(step, lacking) order by step, lacking limit 1
        )
        from (select 'eventstore'::regnamespace::oid) s(oid)
        """;

    /// <summary>This version's tables, without partitions, its sequence and its functions.</summary>
    private static readonly string[] _used =
    [
        .. SchemaScript.Tables.SelectMany(script => Created().Matches(script.Sql)).Select(m => m.Groups[1].Value),
        .. SchemaScript.Functions.Select(function => function.Name),
    ];

    /// <summary>Checks that the session's role may change the schema.</summary>
    /// <param name="refused">Postgres's own refusal of a change, or null before the first attempt.</param>
    /// <exception cref="InvalidOperationException">The role may not: the message names the role, the right and the way
    /// out.</exception>
    /// <exception cref="NpgsqlException">Postgres does not answer.</exception>
    public static async Task CheckChangeAsync(
        NpgsqlConnection connection,
        PostgresException? refused,
        CancellationToken cancellationToken
    )
    {
        await using var command = new NpgsqlCommand(ToChange, connection);
        await CheckAsync(
            command,
            "is not up to date, and the role '{0}' may not change it",
            refused,
            cancellationToken
        );
    }

    /// <summary>Checks that the session's role may use the schema, which is up to date.</summary>
    /// <inheritdoc cref="CheckChangeAsync" path="/exception"/>
    public static async Task CheckUseAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(ToUse, connection).With(_used);
        await CheckAsync(command, "is up to date, but the role '{0}' may not use it", null, cancellationToken);
    }

    private static async Task CheckAsync(
        NpgsqlCommand command,
        string problem,
        PostgresException? refused,
        CancellationToken cancellationToken
    )
    {
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        await row.ReadAsync(cancellationToken);

        var (role, database) = (row.GetString(0), row.GetString(1));
        var lacking = row.IsDBNull(2) ? refused?.MessageText : row.GetString(2);
        if (lacking is not null)
            throw new InvalidOperationException(
                $"The schema eventstore in the database '{database}' {string.Format(null, problem, role)}, because it "
                    + $"lacks {lacking}: let its owner run the script that EventStoreSchema.Script(\"{role}\") returns "
                    + $"and 'StreamApi migrate --script {role}' prints.",
                refused
            );
    }

    [GeneratedRegex(@"^create (?:unlogged table|table|sequence) eventstore\.([a-z_]+)\b", RegexOptions.Multiline)]
    private static partial Regex Created();
}
