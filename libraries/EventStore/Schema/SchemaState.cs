using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace EventStore;

/// <summary>The schema that a database has, compared with this version's.</summary>
/// <param name="Missing">This version's migrations that the database never had.</param>
/// <param name="Newer">The set of functions of a newer version, or a set of an unknown form that was applied after this
/// version's, or null if there is none.</param>
/// <param name="AreReplaced">True if an older version, or another build of this one, has put its functions over this
/// version's.</param>
internal sealed partial record SchemaState(IReadOnlyList<string> Missing, string? Newer, bool AreReplaced)
{
    /// <summary>True if nothing is to be done: no migration is missing, and the functions are this version's or
    /// newer.</summary>
    public bool IsUpToDate =>
        Missing.All(name => Newer is not null && name == SchemaScript.FunctionSet)
        && (Newer is not null || !AreReplaced);

    /// <exception cref="NpgsqlException">Postgres does not answer, or refuses the user.</exception>
    public static async Task<SchemaState> ReadAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var applied = new Dictionary<string, DateTime>(StringComparer.Ordinal);
        try
        {
            await using var command = new NpgsqlCommand(
                "select name, applied_at from eventstore.migrations",
                connection
            );
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            while (await row.ReadAsync(cancellationToken))
                applied[row.GetString(0)] = row.GetFieldValue<DateTime>(1);
        }
        catch (PostgresException e)
            when (e.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.InvalidSchemaName)
        { /* an empty database */
        }

        var own = applied.TryGetValue(SchemaScript.FunctionSet, out var at) ? at : DateTime.MinValue;
        string? newer = null;
        var areReplaced = false;

        foreach (var (name, time) in applied)
        {
            if (!name.StartsWith("functions ", StringComparison.Ordinal) || name == SchemaScript.FunctionSet)
                continue;

            if (NumberOf(name) is not { } number)
                newer = time > own ? name : newer;
            else if (number > SchemaScript.Version)
                newer = name;
            else
                areReplaced |= time > own;
        }

        string[] names = [.. SchemaScript.Tables.Select(script => script.Name), SchemaScript.FunctionSet];
        return new SchemaState([.. names.Where(name => !applied.ContainsKey(name))], newer, areReplaced);
    }

    /// <summary>Returns the number of a set of functions, or null if this version does not know the name's
    /// form.</summary>
    private static long? NumberOf(string name) =>
        Numbered().Match(name) is { Success: true } match
            ? long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture)
            : null;

    [GeneratedRegex("^functions ([0-9]{1,9}) [0-9a-f]{64}$", RegexOptions.CultureInvariant)]
    private static partial Regex Numbered();
}
