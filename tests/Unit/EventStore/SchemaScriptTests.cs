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

    /// <summary>Whoever runs the script may have a client of another encoding.</summary>
    [Fact]
    public void Scripts_are_of_ASCII() =>
        Assert.All(
            [SchemaScript.Prepare, .. SchemaScript.Tables, .. SchemaScript.Functions],
            script => Assert.True(System.Text.Ascii.IsValid(script.Sql), script.Name)
        );

    /// <summary>Else a replica of the old version could put its functions under the new version's replicas.</summary>
    [Fact]
    public void Functions_that_change_after_a_release_have_a_higher_number() =>
        Assert.True(
            SchemaScript.FunctionSet == "functions 1 5adad6c619e8164747261519712898ad626b5c534dedc8edf4ab55857ebdc8bb",
            $"The functions have changed: raise {nameof(SchemaScript)}.{nameof(SchemaScript.Version)} if a release has "
                + $"this number, and write here: {SchemaScript.FunctionSet}"
        );

    [Fact]
    public void The_page_of_personal_data_says_how_long_the_rows_of_each_table_are_kept()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "personal-data.md"));
        var tables = SchemaScript
            .Tables.SelectMany(script => Table().Matches(script.Sql))
            .Select(created => created.Groups[1].Value)
            .ToList();
        Assert.Contains("events", tables);
        Assert.All(
            tables,
            table => Assert.Matches($@"(?m)^\|[^|]*`(eventstore\.)?{table}`[^|]*\|[^|]+\|[^|]+\|$", page)
        );
    }

    [GeneratedRegex(@"^create (?:unlogged )?table eventstore\.([a-z_]+) ", RegexOptions.Multiline)]
    private static partial Regex Table();

    [GeneratedRegex(@"^create or replace function eventstore\.(\w+)\(", RegexOptions.Multiline)]
    private static partial Regex Created();

    [GeneratedRegex("--.*")]
    private static partial Regex Comment();
}
