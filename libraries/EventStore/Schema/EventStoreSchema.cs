using System.Text;
using EventStore;

namespace AspireSse;

/// <summary>The schema of the event log as SQL, to create and update it by hand.</summary>
/// <remarks>Needed if the application's role may not change the schema, so that an operator runs the script.</remarks>
public static class EventStoreSchema
{
    /// <summary>Returns an SQL script that brings the schema <c>eventstore</c> to this version in any state: empty,
    /// older, or up to date. It is one transaction, for <c>psql</c> or any client.</summary>
    /// <remarks>The role that runs the script owns the tables and functions that it makes. The script also undoes an
    /// upgrade: it replaces a newer version's functions by this version's.</remarks>
    /// <param name="role">The application's role, which gets all rights that it needs to change rows and owns nothing,
    /// or null to grant nothing.</param>
    public static string Script(string? role = null)
    {
        var script = new StringBuilder("begin;\n").Append(
            """
            set local search_path = pg_catalog, pg_temp;
            set local standard_conforming_strings = on;
            set local check_function_bodies = off;
            select pg_advisory_xact_lock(7303014, 0);

            """
        );

        script.Append(SchemaScript.Prepare.Sql);
        foreach (var table in SchemaScript.Tables)
            script.Append(
                $"""

                do $apply$
                begin
                    if exists (select from eventstore.migrations where name = '{table.Name}') then return; end if;
                    insert into eventstore.migrations (name) values ('{table.Name}');
                    execute $sql$
                {table.Sql}$sql$;
                end $apply$;

                """
            );
        foreach (var function in SchemaScript.Functions)
            script.Append(function.Sql);
        script.Append(SchemaScript.RecordFunctions).Append('\n');

        if (role is not null)
            script.Append(Grants("eventstore", role));
        return script.Append("commit;\n").ToString();
    }

    /// <summary>Returns the SQL that gives a role the rights on a schema's rows, sequences and functions.</summary>
    /// <param name="schema">The exact name of the schema, such as one of the application's own in the log's
    /// database.</param>
    /// <param name="role">The exact name of the role.</param>
    public static string Grants(string schema, string role)
    {
        schema = Quoted(schema);
        role = Quoted(role);
        return $"""
            grant usage on schema {schema} to {role};
            grant select, insert, update, delete on all tables in schema {schema} to {role};
            grant select, usage, update on all sequences in schema {schema} to {role};
            grant execute on all functions in schema {schema} to {role};

            """;
    }

    private static string Quoted(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
