using System.Text.RegularExpressions;

namespace Unit.EventStore;

/// <summary>
/// The SQL functions that services call keep their parameters and results: during an upgrade the old version still
/// calls them, and a call with the former parameters would fail (docs/decisions/0024).
/// </summary>
public sealed partial class CalledFunctionTests
{
    private static readonly string Functions = Path.Combine(
        Repository.Root,
        "libraries",
        "EventStore",
        "Schema",
        "Functions"
    );

    private static string[] Held =>
        File.ReadAllLines(Path.Combine(Repository.Root, "tests", "Unit", "EventStore", "called-functions.txt"));

    /// <summary>A new parameter at the end with a default is compatible: then change the list.</summary>
    [Fact]
    public void A_function_that_a_former_version_calls_keeps_its_signature()
    {
        Assert.NotEmpty(Held);
        Assert.All(
            Held,
            held =>
                Assert.True(
                    held == Signature(held[..held.IndexOf('(')]),
                    $"{held}: give the function with other parameters a new name, and keep this one for a release."
                )
        );
    }

    [Fact]
    public void Every_function_that_the_services_call_is_held()
    {
        var called = ((string[])["Broadcaster", "StreamApi", "libraries"])
            .SelectMany(folder =>
                Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories)
            )
            .SelectMany(file => Call().Matches(File.ReadAllText(file)))
            .Select(call => call.Groups[1].Value)
            .Distinct()
            .ToList();
        Assert.Contains("append", called);
        Assert.Empty(called.Except(Held.Select(held => held[..held.IndexOf('(')])));
    }

    /// <summary>The text from the name to the language, on one line.</summary>
    private static string Signature(string function)
    {
        var file = Path.Combine(Functions, function + ".sql");
        return File.Exists(file) ? Spaces().Replace(Head().Match(File.ReadAllText(file)).Groups[1].Value, " ") : "";
    }

    [GeneratedRegex(@"\beventstore\.(\w+)\(")]
    private static partial Regex Call();

    [GeneratedRegex(@"create or replace function eventstore\.(\w+\(.*?)\s+language\b", RegexOptions.Singleline)]
    private static partial Regex Head();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Spaces();
}
