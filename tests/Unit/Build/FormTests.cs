using System.Globalization;
using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>The form of the repository's own text: the length of lines, methods and files, and braces.</summary>
public sealed partial class FormTests
{
    private const int MaxColumns = 120,
        MaxLines = 350,
        MaxMethodLines = 60,
        MaxNumberedMethodLines = 120,
        MaxProgramLines = 40,
        MaxDecisionLines = 60;

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
            select $"{SourceFiles.PathOf(file)}:{line.Number}: {columns} columns, at most {MaxColumns} "
                + "(C#: dotnet csharpier format .)";
        SourceFiles.AssertNone(found);
    }

    [Fact]
    public void A_source_file_a_Program_file_and_a_decision_have_few_lines() =>
        SourceFiles.AssertNone(
            from file in SourceFiles.All
            let path = SourceFiles.PathOf(file)
            let most = DecisionPath().IsMatch(path) ? MaxDecisionLines
            : ProgramPath().IsMatch(path) ? MaxProgramLines
            : Short.Contains(file.Extension) ? MaxLines
            : int.MaxValue
            where most < int.MaxValue
            let lines = CodeLines(File.ReadLines(file.FullName), file.Extension)
            where lines > most
            select $"{path}: {lines} lines of code, at most {most}"
        );

    [Fact]
    public void A_method_outside_the_tests_has_at_most_60_lines_of_code_or_120_with_numbered_steps()
    {
        var methods = (
            from file in SourceFiles.CSharp(".")
            let path = SourceFiles.PathOf(file)
            where !path.StartsWith("tests/", StringComparison.Ordinal)
            from method in SourceMethod.In(File.ReadAllLines(file.FullName))
            let most = HasNumberedSteps(method) ? MaxNumberedMethodLines : MaxMethodLines
            select (Name: $"{path}:{method.Number}", Lines: CodeLines(method.Lines, ".cs"), Most: most)
        ).ToList();

        Assert.Contains(methods, method => method.Lines > MaxMethodLines / 2);
        SourceFiles.AssertNone(
            from method in methods
            where method.Lines > method.Most
            select $"{method.Name}: {method.Lines} lines of code, at most {method.Most}"
        );
    }

    [Theory]
    [InlineData(".cs", "// why\n\nvar a = 1;\n--a; // how\n/* more\nof it */\n", 2)]
    [InlineData(".sql", "-- why\n\nselect 1;\n", 1)]
    public void Lines_that_are_blank_or_only_a_comment_are_no_code(string extension, string text, int lines) =>
        Assert.Equal(lines, CodeLines(text.Split('\n'), extension));

    [Fact]
    public void A_block_of_one_statement_has_no_braces()
    {
        var found =
            from file in SourceFiles.CSharp(".")
            from number in NeedlessBraces(File.ReadAllLines(file.FullName))
            select $"{SourceFiles.PathOf(file)}:{number}";
        SourceFiles.AssertNone(found);
    }

    [Fact]
    public void A_try_after_a_condition_or_a_loop_is_in_a_block()
    {
        var found =
            from file in SourceFiles.CSharp(".")
            from statement in TryAfterHead().Matches(File.ReadAllText(file.FullName))
            select $"{SourceFiles.PathOf(file)}: {statement.Value}";
        SourceFiles.AssertNone(found);
    }

    /// <summary>The number of lines that are neither blank nor only a comment.</summary>
    private static int CodeLines(IEnumerable<string> lines, string extension)
    {
        if (extension == ".md")
            return lines.Count();

        var comment = extension == ".sql" ? "--" : "//";
        var isInBlock = false;
        var code = 0;
        foreach (var line in lines)
        {
            var text = line.AsSpan().Trim();
            isInBlock |= text.StartsWith("/*");
            if (!isInBlock && !text.IsEmpty && !text.StartsWith(comment))
                code++;
            isInBlock &= !text.Contains("*/", StringComparison.Ordinal);
        }

        return code;
    }

    private static bool HasNumberedSteps(SourceMethod method) =>
        new[] { 1, 2 }.All(step =>
            method.Body.Any(line => line.TrimStart().StartsWith($"// {step}. ", StringComparison.Ordinal))
        );

    /// <summary>The numbers of the lines that open a block of one statement after a condition or a loop.</summary>
    private static IEnumerable<int> NeedlessBraces(string[] lines)
    {
        for (var i = 1; i < lines.Length; i++)
        {
            if (!SourceMethod.Opens(lines[i], out var indent))
                continue;

            // A condition of several lines ends with a parenthesis in the same column.
            var head = i - 1;
            while (head > 0 && (!SourceMethod.IsAt(lines[head], indent) || lines[head][indent] == ')'))
                head--;

            var end = Array.FindIndex(lines, i + 1, line => SourceMethod.IsAt(line, indent));
            if (end < 0 || !BlockHead().IsMatch(lines[head]) || lines[end].Trim() != "}")
                continue;

            var statements = lines[(i + 1)..end]
                .Where(line => SourceMethod.IsAt(line, indent + 4) && !Continuation().IsMatch(line))
                .ToArray();
            if (statements is not [var only] || NeedsBlock().IsMatch(only))
                continue;

            // Without braces, an inner condition would take the outer one's else.
            if (!BlockHead().IsMatch(only) || !lines[end + 1].TrimStart().StartsWith("else", StringComparison.Ordinal))
                yield return i + 1;
        }
    }

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

    [GeneratedRegex(@"^docs/decisions/\d{4}-.*\.md$")]
    private static partial Regex DecisionPath();

    [GeneratedRegex("^(AppHost|Broadcaster|LoadTests|StreamApi|WebFrontend)/(.*/)?Program.cs$")]
    private static partial Regex ProgramPath();

    [GeneratedRegex(@"https?://[^\s)]+")]
    private static partial Regex Url();
}
