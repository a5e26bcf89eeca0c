using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>Rules for how a page of C# reads: "The house style" in CONTRIBUTING.md.</summary>
internal static partial class PageRules
{
    private const int ParagraphLines = 25;
    private const int ConstructorParameters = 8;

    /// <summary>The places where a file breaks a rule of its own page, with the reason and what to do.</summary>
    public static IEnumerable<string> Broken(string[] lines) =>
        [
            .. SolidMethods(lines),
            .. PackedAssignments(lines),
            .. WideConstructors(string.Join('\n', lines)),
            .. OneLetterNames(lines),
        ];

    /// <summary>The names of which there is also one with an s.</summary>
    public static IEnumerable<string> PluralPairs(IEnumerable<string> names)
    {
        var all = names.ToHashSet();
        return all.Where(name => all.Contains(name + "s")).Order(StringComparer.Ordinal);
    }

    public static IEnumerable<string> TypesOf(string source) =>
        TypeDeclaration().Matches(source).Select(type => type.Groups["name"].Value);

    private static IEnumerable<string> SolidMethods(string[] lines) =>
        from method in SourceMethod.In(lines)
        where IsSolid(method.Body)
        select Solid(method.Number, method.Body.Length);

    public static bool IsSolid(string[] body) => body.Length >= ParagraphLines && !body.Any(SeparatesParagraphs);

    public static string Solid(int number, int lines) =>
        $"{number}: {lines} lines without a blank line or a comment. Separate the steps.";

    private static bool SeparatesParagraphs(string line) =>
        string.IsNullOrWhiteSpace(line) || line.TrimStart().StartsWith("//", StringComparison.Ordinal);

    private static IEnumerable<string> PackedAssignments(string[] lines) =>
        from line in lines.Select((text, index) => (Text: text, Number: index + 1))
        let assignment = TupleAssignment().Match(line.Text)
        where assignment.Success && !IsSwap(assignment)
        select $"{line.Number}: a tuple packs several assignments. Write one statement for each.";

    /// <summary>Names that are declared together take values that begin alike: <c>(Read(before), Read(after))</c> or
    /// <c>(0, 0)</c>.</summary>
    public static IEnumerable<string> PackedDeclarations(string[] lines)
    {
        var source = string.Join('\n', lines);
        return from declaration in TupleDeclaration().Matches(source)
            let values = Literal().Replace(declaration.Groups["values"].Value, "0")
            where Parts(values).Select(value => value.Split('(', '<')[0].Trim()).Distinct().Count() > 1
            let number = source.AsSpan(0, declaration.Index).Count('\n') + 1
            select $"{number}: a tuple packs several declarations. Write one statement for each.";
    }

    public static IEnumerable<string> SharedDeclarations(string[] lines) =>
        from line in lines.Select((text, index) => (Text: text, Number: index + 1))
        where FirstOfSeveralFields().IsMatch(line.Text)
        select $"{line.Number}: a declaration has several fields. Write one for each.";

    public static bool IsSwap(Match assignment)
    {
        var left = assignment.Groups["left"].Value.Split(", ");
        var right = assignment.Groups["right"].Value.Split(", ");
        return left.ToHashSet().SetEquals(right);
    }

    /// <summary>A positional record that is a class lists the columns of its rows, as many as there are.</summary>
    private static IEnumerable<string> WideConstructors(string source) =>
        from head in ConstructorHead().Matches(source)
        let parameters = CountParameters(source.AsSpan(head.Index + head.Length))
        where parameters >= ConstructorParameters
        let number = source.AsSpan(0, head.Groups["name"].Index).Count('\n') + 1
        let name = head.Groups["name"].Value
        select $"{number}: the constructor of {name} has {parameters} parameters. Make two types.";

    /// <summary>Counters of loops, parameters of lambdas and caught exceptions may have one letter.</summary>
    private static IEnumerable<string> OneLetterNames(string[] lines) =>
        from line in lines.Select((text, index) => (Text: text, Number: index + 1))
        where !MayHaveOneLetter().IsMatch(line.Text)
        from declaration in OneLetterDeclaration().Matches(line.Text)
        select $"{line.Number}: {declaration.Groups["name"].Value} is one letter. Name what it holds.";

    /// <summary>Counts the parameters up to the parenthesis that ends them.</summary>
    private static int CountParameters(ReadOnlySpan<char> text) => Parts(text).Count;

    /// <summary>The parts between commas, up to the bracket that ends them. Types, attributes and calls have commas of
    /// their own.</summary>
    private static List<string> Parts(ReadOnlySpan<char> text)
    {
        var depth = 0;
        var start = 0;
        var parts = new List<string>();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] is '(' or '[' or '{' || text[i..] is ['<', not ' ' and not '=', ..])
                depth++;
            else if (text[i] == ',' && depth == 0)
            {
                parts.Add(text[start..i].ToString());
                start = i + 1;
            }
            // Not of a lambda or a comparison.
            else if (text[i] is ')' or ']' or '}' || (text[i] == '>' && text[i - 1] is not ' ' and not '='))
                if (--depth < 0)
                {
                    text = text[..i];
                    break;
                }
        }

        parts.Add(text[start..].ToString());
        return parts;
    }

    /// <summary>The line on which one tuple is assigned to another, whose end may be on a later line.</summary>
    [GeneratedRegex(@"^\s*\((?<left>[\w.\[\]?!]+(, [\w.\[\]?!]+)+)\) = \((?<right>.*?)(\);)?$")]
    private static partial Regex TupleAssignment();

    [GeneratedRegex(@"^( *)var \([\w, ]+\) = \((?<values>.*|\n(\1 +.*\n)+\1)\);$", RegexOptions.Multiline)]
    private static partial Regex TupleDeclaration();

    [GeneratedRegex(
        """
            \$?("{3,})[\s\S]*?\1|\$?"([^"\\]|\\.)*"|'[^']+'|(?<![\w.])\d[\w.]*|\b(true|false|null)\b
            """
    )]
    private static partial Regex Literal();

    [GeneratedRegex(
        @"^ +((public|internal|private|protected|static|readonly|volatile) )+(?!.*\b(const|class|record)\b)"
            + @"[\w.<>\[\]?, ]+ \w+( = .+)?,$"
    )]
    private static partial Regex FirstOfSeveralFields();

    [GeneratedRegex(
        @"^\s*((public|internal|private|protected|file|static|sealed|abstract|partial|readonly|ref|unsafe) )*"
            + @"(class|record struct|record class|record|struct|interface|enum) (?<name>\w+)",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture
    )]
    private static partial Regex TypeDeclaration();

    /// <summary>The start of a constructor, through its opening parenthesis; the second form is in the head of the
    /// type.</summary>
    [GeneratedRegex(
        @"^\s*(public|internal|private|protected)( internal| protected)? (?<name>[A-Z]\w*)\("
            + @"|^[^""/\n]*\b(class|struct) (?<name>\w+)(<[^>\n]*>)?\(",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture
    )]
    private static partial Regex ConstructorHead();

    /// <summary>A comment, test data, a loop with a counter, a caught exception, a comparer (whose names
    /// are .NET's), or a lambda that is no member.
    /// </summary>
    [GeneratedRegex(
        @"^\s*//|^\s*\[|\bfor \(|^\s*catch \(|\bCompare\(|^(?!\s*(public|internal|private|protected|static) ).*=>"
    )]
    private static partial Regex MayHaveOneLetter();

    /// <summary>A type, a pattern's brace or the beginning of a deconstruction, and a name of one letter.</summary>
    [GeneratedRegex(
        @"((^|[\s(<,])(var|u?int|u?long|u?short|byte|bool|char|float|double|string|object|[A-Z][\w.]*(<[^;(){}=]*>)?)"
            + @"(\[\])?[?*]?|\bis \{[^}]*\}) (?<name>[a-z])(?= = | in |;|,|\)|$)|\bvar \((\w+, )*(?<name>[a-z])[,)]",
        RegexOptions.ExplicitCapture
    )]
    private static partial Regex OneLetterDeclaration();
}
