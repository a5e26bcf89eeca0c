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

    [Fact]
    public void A_comment_says_what_null_means_in_words() =>
        SourceFiles.AssertNone(
            from file in SourceFiles.CSharp(".")
            from Match hidden in HiddenNull().Matches(File.ReadAllText(file.FullName))
            select $"{SourceFiles.PathOf(file)}: {hidden.Value.Trim()} Write \", or null if …\", or a sentence."
        );

    [Fact]
    public void A_summary_has_at_most_one_colon_besides_its_code() =>
        SourceFiles.AssertNone(
            from file in SourceFiles.CSharp(SourceFiles.Products)
            from Match summary in Summary().Matches(File.ReadAllText(file.FullName))
            where Colon().Count(Code().Replace(summary.Groups[1].Value, " ")) > 1
            select $"{SourceFiles.PathOf(file)}: {summary.Groups[1].Value.Trim()}"
        );

    private static int Sentences(string comment) =>
        SentenceEnd()
            .Split(Markup().Replace(comment, " "))
            .Count(sentence => sentence.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Length > RemarkWords);

    [GeneratedRegex("<summary>(.*?)</summary>", RegexOptions.Singleline)]
    private static partial Regex Summary();

    /// <summary>A meaning of null behind a semicolon, also one at the end of the line before, or a colon.</summary>
    [GeneratedRegex(@"^\s*///.*(;( |\s*///\s*)null\b|\bNull: ).*", RegexOptions.Multiline)]
    private static partial Regex HiddenNull();

    /// <summary>A line of text, not of an argument, which is indented.</summary>
    [GeneratedRegex(@"^-- \S")]
    private static partial Regex SqlSentence();

    [GeneratedRegex(@"<code>.*?</code>|^\s*(///|--)", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Markup();

    [GeneratedRegex("<code>.*?</code>|<c>.*?</c>", RegexOptions.Singleline)]
    private static partial Regex Code();

    [GeneratedRegex(@":(?=\s|$)")]
    private static partial Regex Colon();

    [GeneratedRegex(@"(?<=[.!?])\s+(?=[A-Z0-9<(`""'])")]
    private static partial Regex SentenceEnd();
}
