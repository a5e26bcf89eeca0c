using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>The page rules for JavaScript and TypeScript. Prettier's indentation shows where a function ends.</summary>
internal static partial class ScriptPageRules
{
    private const int MaxTernaries = 2;

    public static IEnumerable<string> Broken(string[] lines) =>
        [.. SolidFunctions(lines), .. PackedAssignments(string.Join('\n', lines)), .. NestedTernaries(lines)];

    private static IEnumerable<string> SolidFunctions(string[] lines)
    {
        for (var i = 0; i < lines.Length; i++)
        {
            if (!BlockStart().IsMatch(lines[i]))
                continue;

            // The line that ends several lines of parameters, or of a condition, is not the head.
            var indent = lines[i].Length - lines[i].TrimStart().Length;
            var head = i;
            while (head > 0 && (!SourceMethod.IsAt(lines[head], indent) || lines[head][indent] is ')' or '}'))
                head--;

            var end = Array.FindIndex(lines, i + 1, line => SourceMethod.IsAt(line, indent));
            if (end > 0 && !Statement().IsMatch(lines[head]) && PageRules.IsSolid(lines[(i + 1)..end]))
                yield return PageRules.Solid(head + 1, end - i - 1);
        }
    }

    private static IEnumerable<string> PackedAssignments(string source) =>
        from assignment in ArrayAssignment().Matches(source)
        where !PageRules.IsSwap(assignment)
        let number = source.AsSpan(0, assignment.Index).Count('\n') + 1
        select $"{number}: an array packs several assignments. Write one statement for each.";

    /// <summary>Counts the ternaries around and before a place in its expression. A block or an object begins
    /// anew.</summary>
    private static IEnumerable<string> NestedTernaries(string[] lines)
    {
        var open = new Stack<(int Before, int Around)>();
        var ternaries = 0;
        for (var i = 0; i < lines.Length; i++)
        {
            // A bracket in a regular expression, which this reads as code, counts to the end of its function.
            if (SourceMethod.IsAt(lines[i], 0))
            {
                open.Clear();
                ternaries = 0;
            }

            foreach (Match token in Token().Matches(lines[i]))
                switch (token.Value)
                {
                    case "(" or "[" or "${":
                        open.Push((ternaries, ternaries));
                        break;
                    case "{":
                        open.Push((ternaries, 0));
                        ternaries = 0;
                        break;
                    case ")" or "]" or "}":
                        ternaries = open.TryPop(out var closed) ? closed.Before : 0;
                        break;
                    case "," or ";":
                        ternaries = open.TryPeek(out var around) ? around.Around : 0;
                        break;
                    case "?" when ++ternaries > MaxTernaries:
                        yield return $"{i + 1}: a ternary in a ternary in a ternary. Use if, a table or a function.";
                        break;
                }
        }
    }

    /// <summary>The end of a list of parameters, or of a condition, and the brace of its block.</summary>
    [GeneratedRegex(@"(\)(: [^()]*)?|=>) \{$")]
    private static partial Regex BlockStart();

    [GeneratedRegex(@"^\s*(if|for|while|switch|do|try|with) ")]
    private static partial Regex Statement();

    /// <summary>The array may have several lines. One whose method is called is not the value.</summary>
    [GeneratedRegex(
        @"(?<![\w)\]])\[(?<left>([^\[\]=;]|\[[^\[\]]*\])+)\] = \[(?<right>[^;]*)\];",
        RegexOptions.ExplicitCapture
    )]
    private static partial Regex ArrayAssignment();

    /// <summary>A text, a comment, a bracket, the end of an expression, or the question mark of a ternary, which has
    /// white space on both sides.</summary>
    [GeneratedRegex(@"""(\\.|[^""\\])*""|//.*|^\s*/?\*.*|\$\{|[()\[\]{},;]|(?<=^|\s)\?(?=\s)")]
    private static partial Regex Token();
}
