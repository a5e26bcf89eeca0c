using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>A method, a constructor or a local function with a block. CSharpier's indentation shows where it
/// ends.</summary>
internal sealed partial record SourceMethod(int Number, string[] Lines, string[] Body)
{
    public static IEnumerable<SourceMethod> In(string[] lines)
    {
        for (var i = 1; i < lines.Length; i++)
        {
            if (!Opens(lines[i], out var indent))
                continue;

            // Parameters, constraints and the call of another constructor belong to the head.
            var head = i - 1;
            while (head > 0 && (!IsAt(lines[head], indent) || HeadEnd().IsMatch(lines[head])))
                head--;

            var end = Array.FindIndex(lines, i + 1, line => IsAt(line, indent));
            if (end > 0 && MethodHead().IsMatch(lines[head]))
                yield return new(head + 1, lines[head..(end + 1)], lines[(i + 1)..end]);
        }
    }

    /// <summary>A line with only the brace that opens a block.</summary>
    public static bool Opens(string line, out int indent)
    {
        indent = line.Length - 1;
        return line.EndsWith('{') && string.IsNullOrWhiteSpace(line[..indent]);
    }

    public static bool IsAt(string line, int indent) =>
        line.Length > indent && line[indent] != ' ' && string.IsNullOrWhiteSpace(line[..indent]);

    /// <summary>The last line of a head that has several.</summary>
    [GeneratedRegex(@"^\s*(\)|where\b|:)")]
    private static partial Regex HeadEnd();

    /// <summary>The declaration of a method, a constructor or a local function.</summary>
    [GeneratedRegex(
        @"^\s*(?!(await|return|new|catch|switch|when|else|if|for|foreach|while|using|lock|fixed)\b)"
            + @"(?!.*\b(class|record|struct|interface|enum)\b)[\w<>\[\]?,.() ]*\w(<[\w, ]+>)?\([^;{]*$"
    )]
    private static partial Regex MethodHead();
}
