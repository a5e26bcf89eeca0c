using System.Globalization;
using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>The form of the repository's own text: the length of lines and files, and braces.</summary>
public sealed partial class FormTests
{
    private const int MaxColumns = 120,
        MaxLines = 350,
        MaxMethodLines = 60,
        MaxProgramLines = 40,
        MaxAppHostLines = 60;

    private static readonly string[] Wrapped =
    [
        ".cs",
        ".css",
        ".js",
        ".md",
        ".mjs",
        ".py",
        ".razor",
        ".sh",
        ".sql",
        ".ts",
    ];
    private static readonly string[] Short = [".cs", ".js", ".sql"];

    [Fact]
    public void No_line_has_more_than_120_columns()
    {
        var found =
            from file in SourceFiles.All
            where Wrapped.Contains(file.Extension)
            from line in Prose(file).Select((text, index) => (Text: text, Number: index + 1))
            let columns = new StringInfo(line.Text).LengthInTextElements
            where columns > MaxColumns
            select $"{SourceFiles.PathOf(file)}:{line.Number}: {columns} columns";
        SourceFiles.AssertNone(found);
    }

    [Fact]
    public void No_source_file_has_more_than_350_lines()
    {
        var found =
            from file in SourceFiles.All
            where Short.Contains(file.Extension)
            let lines = File.ReadLines(file.FullName).Count()
            where lines > MaxLines
            select $"{SourceFiles.PathOf(file)}: {lines} lines";
        SourceFiles.AssertNone(found);
    }

    [Fact]
    public void A_method_outside_the_tests_has_at_most_60_lines()
    {
        var methods = (
            from file in SourceFiles.All
            let path = SourceFiles.PathOf(file)
            where file.Extension == ".cs" && !path.StartsWith("tests/", StringComparison.Ordinal)
            from method in Methods(File.ReadAllLines(file.FullName))
            select (Name: $"{path}:{method.Number}", method.Lines)
        ).ToList();
        Assert.Contains(methods, method => method.Lines > MaxMethodLines / 2);
        SourceFiles.AssertNone(
            methods.Where(method => method.Lines > MaxMethodLines).Select(m => $"{m.Name}: {m.Lines} lines")
        );
    }

    [Fact]
    public void A_Program_file_has_at_most_40_lines_and_the_AppHosts_60()
    {
        var found =
            from folder in (string[])["AppHost", "Broadcaster", "LoadTests", "StreamApi", "WebFrontend"]
            from file in SourceFiles.In(folder)
            let most = file.Name == "Program.cs" ? MaxProgramLines
            : file.Name == "AppHost.cs" ? MaxAppHostLines
            : int.MaxValue
            let lines = File.ReadLines(file.FullName).Count()
            where lines > most
            select $"{SourceFiles.PathOf(file)}: {lines} lines, at most {most}";
        SourceFiles.AssertNone(found);
    }

    [Fact]
    public void A_block_of_one_statement_has_no_braces()
    {
        var found =
            from file in SourceFiles.All
            where file.Extension == ".cs"
            from number in NeedlessBraces(File.ReadAllLines(file.FullName))
            select $"{SourceFiles.PathOf(file)}:{number}";
        SourceFiles.AssertNone(found);
    }

    [Fact]
    public void A_try_after_a_condition_or_a_loop_is_in_a_block()
    {
        var found =
            from file in SourceFiles.All
            where file.Extension == ".cs"
            from statement in TryAfterHead().Matches(File.ReadAllText(file.FullName))
            select $"{SourceFiles.PathOf(file)}: {statement.Value}";
        SourceFiles.AssertNone(found);
    }

    /// <summary>The first line of each method with a block, and its lines from its head to its end.</summary>
    private static IEnumerable<(int Number, int Lines)> Methods(string[] lines)
    {
        for (var i = 1; i < lines.Length; i++)
        {
            var indent = lines[i].Length - 1;
            if (indent < 0 || lines[i] != new string(' ', indent) + '{')
                continue;
            // Parameters, constraints and the call of another constructor belong to the head.
            var head = i - 1;
            while (head > 0 && (!IsAt(lines[head], indent) || HeadEnd().IsMatch(lines[head])))
                head--;
            var end = Array.FindIndex(lines, i + 1, line => IsAt(line, indent));
            if (end > 0 && MethodHead().IsMatch(lines[head]))
                yield return (head + 1, end - head + 1);
        }
    }

    /// <summary>The numbers of the lines that open a block of one statement after a condition or a loop.</summary>
    private static IEnumerable<int> NeedlessBraces(string[] lines)
    {
        for (var i = 1; i < lines.Length; i++)
        {
            var indent = lines[i].Length - 1;
            if (indent < 0 || lines[i] != new string(' ', indent) + '{')
                continue;
            // A condition of several lines ends with a parenthesis in the same column.
            var head = i - 1;
            while (head > 0 && (!IsAt(lines[head], indent) || lines[head][indent] == ')'))
                head--;
            var end = Array.FindIndex(lines, i + 1, line => IsAt(line, indent));
            if (end < 0 || !BlockHead().IsMatch(lines[head]) || lines[end].Trim() != "}")
                continue;
            var statements = lines[(i + 1)..end]
                .Where(line => IsAt(line, indent + 4) && !Continuation().IsMatch(line))
                .ToArray();
            if (statements is not [var only] || NeedsBlock().IsMatch(only))
                continue;
            // Without braces, an inner condition would take the outer one's else.
            if (!BlockHead().IsMatch(only) || !lines[end + 1].TrimStart().StartsWith("else", StringComparison.Ordinal))
                yield return i + 1;
        }
    }

    private static bool IsAt(string line, int indent) =>
        line.Length > indent && line[indent] != ' ' && string.IsNullOrWhiteSpace(line[..indent]);

    /// <summary>The lines of a file. In Markdown, code blocks, tables and URLs are empty: they cannot be
    /// wrapped.</summary>
    private static IEnumerable<string> Prose(FileInfo file)
    {
        var code = false;
        foreach (var line in File.ReadLines(file.FullName))
        {
            if (file.Extension != ".md")
            {
                yield return line;
                continue;
            }
            var fence = line.TrimStart().StartsWith("```", StringComparison.Ordinal);
            code ^= fence;
            yield return code || fence || line.TrimStart().StartsWith('|') ? "" : Url().Replace(line, "");
        }
    }

    [GeneratedRegex(@"^\s*(else|if|for|foreach|await foreach|while|using|await using|lock|fixed)\b")]
    private static partial Regex BlockHead();

    /// <summary>The last line of a head that has several.</summary>
    [GeneratedRegex(@"^\s*(\)|where\b|:)")]
    private static partial Regex HeadEnd();

    /// <summary>The declaration of a method, a constructor or a local function.</summary>
    [GeneratedRegex(
        @"^\s*(?!(await|return|new|catch|switch|when|else|if|for|foreach|while|using|lock|fixed)\b)"
            + @"(?!.*\b(class|record|struct|interface|enum)\b)[\w<>\[\]?,.() ]*\w(<[\w, ]+>)?\([^;{]*$"
    )]
    private static partial Regex MethodHead();

    /// <summary>A line that begins no statement.</summary>
    [GeneratedRegex(@"^\s*([)}\]{]|else\b|catch\b|finally\b)")]
    private static partial Regex Continuation();

    /// <summary>A statement that keeps its braces: a comment, a try, a declaration.</summary>
    [GeneratedRegex(@"^\s*(//|try\b|(await )?using [^(]|const\b|static\b|async\b)")]
    private static partial Regex NeedsBlock();

    [GeneratedRegex(
        @"^ *(else|(await )?(if|for|foreach|while|using|lock) .*\)|\))\r?\n *try\r?$",
        RegexOptions.Multiline
    )]
    private static partial Regex TryAfterHead();

    [GeneratedRegex(@"https?://[^\s)]+")]
    private static partial Regex Url();
}
