using System.Globalization;
using System.Text.RegularExpressions;
using Unit.Tests;

namespace Unit.Build;

/// <summary>The form of the repository's own text: lines of 120 columns, files of 350 lines.</summary>
public sealed partial class FormTests
{
    private const int MaxColumns = 120,
        MaxLines = 350;

    private static readonly string[] Skipped = ["artifacts", "bin", "lib", "node_modules", "obj"];
    private static readonly string[] Wrapped = [".cs", ".css", ".js", ".md", ".mjs", ".razor", ".sh", ".sql", ".ts"];
    private static readonly string[] Short = [".cs", ".js", ".sql"];

    [Fact]
    public void No_line_has_more_than_120_columns()
    {
        var found =
            from file in Files(new DirectoryInfo(Repository.Root))
            where Wrapped.Contains(file.Extension) && !file.Name.EndsWith(".ja.md", StringComparison.Ordinal)
            from line in Prose(file).Select((text, index) => (Text: text, Number: index + 1))
            let columns = new StringInfo(line.Text).LengthInTextElements
            where columns > MaxColumns
            select $"{Path.GetRelativePath(Repository.Root, file.FullName)}:{line.Number}: {columns} columns";
        Assert.True(!found.Any(), string.Join('\n', found));
    }

    [Fact]
    public void No_file_has_more_than_350_lines()
    {
        var found =
            from file in Files(new DirectoryInfo(Repository.Root))
            where Short.Contains(file.Extension)
            let lines = File.ReadLines(file.FullName).Count()
            where lines > MaxLines
            select $"{Path.GetRelativePath(Repository.Root, file.FullName)}: {lines} lines";
        Assert.True(!found.Any(), string.Join('\n', found));
    }

    private static IEnumerable<FileInfo> Files(DirectoryInfo directory) =>
        directory
            .EnumerateFiles()
            .Concat(
                directory
                    .EnumerateDirectories()
                    .Where(d => !d.Name.StartsWith('.') && !Skipped.Contains(d.Name))
                    .SelectMany(Files)
            );

    /// <summary>The lines of a file. In Markdown, lines of code, tables and links are empty: they cannot be
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
            yield return code || fence || line.TrimStart().StartsWith('|') ? "" : Link().Replace(line, "");
        }
    }

    [GeneratedRegex(@"\]\([^)]*\)|https?://\S+|`[^`]*`")]
    private static partial Regex Link();
}
