using System.Security.Cryptography;
using System.Text;

namespace EventStore;

/// <summary>An SQL file of this assembly. Its name is without folder and extension; the file of a function has the
/// function's name.</summary>
internal sealed record SchemaScript(string Name, string Sql)
{
    /// <summary>Number of <see cref="Functions"/>: one higher in each version that changes them
    /// (<c>SchemaScriptTests</c>). A set of a lower number replaces one of a higher number only if that is asked
    /// for.</summary>
    public const int Version = 1;

    /// <summary>Prepares the bookkeeping of the migrator; can run any number of times.</summary>
    public static SchemaScript Prepare { get; } = In("").Single();

    /// <summary>Changes of tables, in order. Each runs once per database and calls no function of the schema.</summary>
    public static IReadOnlyList<SchemaScript> Tables { get; } = In("Tables/");

    /// <summary>The functions' current texts, one function each. They can run any number of times.</summary>
    public static IReadOnlyList<SchemaScript> Functions { get; } = In("Functions/");

    /// <summary>Digest of the functions' texts.</summary>
    public static string Digest { get; } = Sha256(string.Concat(Functions.Select(f => f.Sql)));

    /// <summary>The name under which the migrations record that all of <see cref="Functions"/> were applied.</summary>
    public static string FunctionSet { get; } = $"functions {Version} {Digest}";

    /// <summary>SQL that records <see cref="FunctionSet"/> as the set that the database has now. It forgets replaced
    /// sets that are newer or have the same number, so that their versions know that their functions are
    /// missing.</summary>
    public static string RecordFunctions { get; } =
        $"""
            delete from eventstore.migrations m
            where m.name like 'functions %' and m.name <> '{FunctionSet}' and coalesce(
                substring(m.name from '^functions ([0-9]+) ')::bigint >= {Version},
                m.applied_at > coalesce(
                    (select o.applied_at from eventstore.migrations o where o.name = '{FunctionSet}'), '-infinity'));
            insert into eventstore.migrations (name) values ('{FunctionSet}')
            on conflict (name) do update set applied_at = now();
            """;

    private static string Sha256(string text) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static SchemaScript[] In(string folder)
    {
        var assembly = typeof(SchemaScript).Assembly;
        var prefix = "Schema/" + folder;
        return
        [
            .. assembly
                .GetManifestResourceNames()
                .Where(name => Folder(name) == prefix)
                .Order(StringComparer.Ordinal)
                .Select(name => new SchemaScript(name[prefix.Length..], Read(name))),
        ];

        // A build on Windows writes backslashes.
        static string Folder(string name) => name[..(name.LastIndexOfAny(['/', '\\']) + 1)].Replace('\\', '/');

        string Read(string name)
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            return reader.ReadToEnd();
        }
    }
}
