namespace Unit.Build;

/// <summary>The page rules hold for all JavaScript and TypeScript.</summary>
public sealed class ScriptPageTests
{
    private static readonly string[] Extensions = [".js", ".mjs", ".ts"];

    [Fact]
    public void A_script_follows_the_page_rules()
    {
        var scripts = SourceFiles.All.Where(file => Extensions.Contains(file.Extension)).ToList();
        Assert.All(Extensions, extension => Assert.Contains(scripts, script => script.Extension == extension));
        SourceFiles.AssertNone(
            from script in scripts
            from place in BrokenRules(File.ReadAllLines(script.FullName))
            select $"{SourceFiles.PathOf(script)}:{place}"
        );
    }

    [Theory]
    [InlineData("function count() {", 24, 0)]
    [InlineData("function count() {", 25, 1)]
    [InlineData("button.addEventListener(\"click\", async () => {", 25, 1)]
    [InlineData("#count<Item>(item: Item): Promise<void> {", 25, 1)]
    [InlineData("count({\n  a,\n}) {", 25, 1)]
    [InlineData("if (a) {", 25, 0)]
    [InlineData("if (\n  a\n) {", 25, 0)]
    [InlineData("try {\n} catch (error) {", 25, 0)]
    [InlineData("return {", 25, 0)]
    public void A_function_of_25_lines_has_a_blank_line_or_a_comment(string head, int lines, int broken)
    {
        string[] Script(string last) =>
            [.. head.Split('\n'), .. Enumerable.Repeat("  a++;", lines - 1), $"  {last}", "}"];

        Assert.Equal(broken, BrokenRules(Script("a++;")).Count);
        Assert.Empty(BrokenRules(Script("// The next step.")));
    }

    [Theory]
    [InlineData("[this.#list, this.#text] = [list, text];", 1)]
    [InlineData("const [first, last] = [list[0], list.at(-1)];", 1)]
    [InlineData("if (head) [\n  head,\n  count,\n] = [\n  event.head,\n  0,\n];", 1)]
    [InlineData("[a[i], a[j]] = [a[j], a[i]];", 0)]
    [InlineData("const [first, last] = [\"li\", \"dl\"].map(make);", 0)]
    [InlineData("const [first, last] = read();", 0)]
    [InlineData("list[0] = [1, 2];", 0)]
    [InlineData("const wrong: [string, Options][] = [\n  [\"\", {}],\n];", 0)]
    [InlineData("for (const [limit] of [\n  [2],\n]) {\n  const kept: string[] = [limit];\n}", 0)]
    public void An_array_swaps_or_deconstructs(string statement, int broken) =>
        Assert.Equal(broken, BrokenRules(statement.Split('\n')).Count);

    [Theory]
    [InlineData("a ? b : c ? d : e;", 0)]
    [InlineData("a ? b : c ? d : e ? f : g;", 1)]
    [InlineData("a\n  ? b\n  : c\n    ? d\n      ? e\n      : f\n    : g;", 1)]
    [InlineData("a ? sum(b ? c : d, e ? f : g) : h;", 0)]
    [InlineData("a ? sum(b ? (c ? d : e) : f) : g;", 1)]
    [InlineData("a ? b : c;\n  d ? e : f;\n  g ? h : i;", 0)]
    [InlineData("[a ? b : c, d ? e : f, g ? h : i];", 0)]
    [InlineData("a ? (b) => { return c ? d : e ? f : g; } : h;", 0)]
    [InlineData("a ?? b ?? c ?? d?.e; // ? ? ?", 0)]
    [InlineData("a ? \" ? \" : \" ? ? \";", 0)]
    public void A_ternary_has_at_most_one_more_in_it(string expression, int broken) =>
        Assert.Equal(broken, BrokenRules($"const x = {expression}".Split('\n')).Count);

    private static List<string> BrokenRules(string[] lines) => [.. ScriptPageRules.Broken(lines)];
}
