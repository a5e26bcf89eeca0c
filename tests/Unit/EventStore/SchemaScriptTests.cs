using System.Text.RegularExpressions;
using EventStore;

namespace Unit.EventStore;

/// <summary>Rules for the SQL of the log that the compiler cannot check.</summary>
public sealed partial class SchemaScriptTests
{
    [Fact]
    public void A_functions_file_replaces_one_function_and_bears_its_name() =>
        Assert.All(
            SchemaScript.Functions,
            script => Assert.Equal([script.Name], Created().Matches(script.Sql).Select(m => m.Groups[1].Value))
        );

    [Fact]
    public void Migrations_are_numbered_without_gaps_and_call_no_function_of_the_schema()
    {
        Assert.Equal(
            Enumerable.Range(1, SchemaScript.Tables.Count).Select(n => $"{n:D4}"),
            SchemaScript.Tables.Select(script => script.Name[..4])
        );
        var code = SchemaScript.Tables.Select(script => Comment().Replace(script.Sql, ""));
        Assert.All(code, sql => Assert.All(SchemaScript.Functions, f => Assert.DoesNotContain($".{f.Name}(", sql)));
    }

    [Fact]
    public void No_statement_on_the_logs_schema_stands_outside_its_library()
    {
        string[] services = ["libraries", "StreamApi", "Broadcaster", "LoadTests", "ServiceDefaults", "WebFrontend"];
        var statements =
            from folder in services
            from file in Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", Recursive)
            where !file.StartsWith(Path.Combine(Repository.Root, "libraries", "EventStore"), StringComparison.Ordinal)
            where Statement().IsMatch(File.ReadAllText(file))
            select Path.GetRelativePath(Repository.Root, file);
        Assert.Empty(statements);
    }

    private static readonly EnumerationOptions Recursive = new() { RecurseSubdirectories = true };

    [GeneratedRegex(@"^create or replace function eventstore\.(\w+)\(", RegexOptions.Multiline)]
    private static partial Regex Created();

    [GeneratedRegex("--.*")]
    private static partial Regex Comment();

    [GeneratedRegex(@"\b(from|join|into|update|select|call|table)\s+eventstore\.\w")]
    private static partial Regex Statement();
}
