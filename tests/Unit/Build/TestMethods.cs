using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>The tests of every test project, read from their sources, since no project references all others.</summary>
internal static partial class TestMethods
{
    private static readonly string[] Projects =
    [
        "tests/Browser",
        "tests/Conformance",
        "tests/Core",
        "tests/Integration",
        "tests/Unit",
    ];

    /// <summary>The names of all tests that run, with namespace and class.</summary>
    public static IEnumerable<string> All() =>
        from file in SourceFiles.CSharp(Projects)
        from name in Of(File.ReadAllText(file.FullName))
        select name;

    /// <summary>The names of the tests in a file.</summary>
    private static IEnumerable<string> Of(string source)
    {
        var space = "";
        var type = "";
        var isTest = false;
        foreach (Match match in Declaration().Matches(source))
        {
            var groups = match.Groups;
            if (groups["namespace"].Success)
                space = groups["namespace"].Value;
            else if (groups["class"].Success)
                type = groups["class"].Value;
            else if (groups["attribute"].Success)
                isTest = !groups["attribute"].Value.Contains("Skip", StringComparison.Ordinal);
            // A method: a test if the attribute before it says so.
            else if (isTest)
            {
                isTest = false;
                yield return $"{space}.{type}.{groups["method"].Value}";
            }
        }
    }

    // Only what CSharpier writes: a class begins in the first column, its members in the fifth, and an attribute
    // has a line of its own.
    [GeneratedRegex(
        """
            ^namespace\ (?<namespace>[\w.]+);
            | ^(?:public|internal)\ (?:\w+\ )*class\ (?<class>\w+)
            | ^\ {4}\[(?<attribute>(?:Fact|Theory)\b.*)$
            | ^\ {4}(?:public|internal|private|protected)\ (?:\w+\ )*[\w<>?,\[\]]+\ (?<method>\w+)\(
            """,
        RegexOptions.Multiline | RegexOptions.IgnorePatternWhitespace
    )]
    private static partial Regex Declaration();
}
