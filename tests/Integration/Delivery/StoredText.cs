using Npgsql;

namespace Integration.Delivery;

/// <summary>Finds a text wherever a database has it.</summary>
internal static class StoredText
{
    private const string Tables = """
        select array_agg(c.oid::regclass::text) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')
        """;

    /// <summary>Returns the tables of which a row, as text, has the text.</summary>
    public static async Task<List<string>> TablesWithAsync(this NpgsqlDataSource store, string text)
    {
        var found = new List<string>();
        foreach (var table in (await store.AskAsync<string[]>(Tables))!)
            if (
                await store.AskAsync<bool>($"select exists (select from {table} t where strpos(t::text, '{text}') > 0)")
            )
                found.Add(table);
        return found;
    }
}
