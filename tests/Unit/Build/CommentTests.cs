using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>Rules for comments: see "Sentences" in docs/glossary.md.</summary>
public sealed partial class CommentTests
{
    private const int MaxSentences = 2;

    /// <summary>A remark of so few words, such as "Thread-safe.", is no sentence.</summary>
    private const int RemarkWords = 3;

    [Fact]
    public void A_summary_has_at_most_two_sentences_except_on_the_public_surface() =>
        SourceFiles.AssertNone(
            from file in SourceFiles.CSharp(SourceFiles.Products)
            let path = SourceFiles.PathOf(file)
            where !path.StartsWith("libraries/EventStore/", StringComparison.Ordinal)
            from Match summary in Summary().Matches(File.ReadAllText(file.FullName))
            let sentences = Sentences(summary.Groups[1].Value)
            where sentences > MaxSentences
            select $"{path}: {sentences} sentences: {summary.Groups[1].Value.Trim()}"
        );

    [Fact]
    public void The_head_of_an_SQL_function_has_at_most_two_sentences_besides_its_arguments() =>
        SourceFiles.AssertNone(
            from file in SourceFiles.In("libraries/EventStore/Schema/Functions")
            let head = File.ReadLines(file.FullName).TakeWhile(line => SqlSentence().IsMatch(line))
            let sentences = Sentences(string.Join('\n', head))
            where sentences > MaxSentences
            select $"{SourceFiles.PathOf(file)}: {sentences} sentences"
        );

    private static int Sentences(string comment) =>
        SentenceEnd()
            .Split(Markup().Replace(comment, " "))
            .Count(sentence => sentence.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Length > RemarkWords);

    [GeneratedRegex("<summary>(.*?)</summary>", RegexOptions.Singleline)]
    private static partial Regex Summary();

    /// <summary>A line of text, not of an argument, which is indented.</summary>
    [GeneratedRegex(@"^-- \S")]
    private static partial Regex SqlSentence();

    [GeneratedRegex(@"<code>.*?</code>|^\s*(///|--)", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Markup();

    [GeneratedRegex(@"(?<=[.!?])\s+(?=[A-Z0-9<(`""'])")]
    private static partial Regex SentenceEnd();
}
