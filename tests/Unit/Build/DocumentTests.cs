using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>Documents name and link what exists, and the two READMEs the same.</summary>
public sealed partial class DocumentTests
{
    /// <summary>Names that documents use and that are others' own (of .NET, Python, Kubernetes), or refused.</summary>
    private static readonly string[] Foreign =
    [
        "AddKeyedChatClient",
        "AllowResponseBuffering",
        "BrokenPipeError",
        "CachingDisabled",
        "CloseOnAuthenticationExpiration",
        "DefaultChatTransport",
        "DelayGenerator",
        "FunctionInvokingChatClient",
        "GiveUp",
        "JsonWebTokenHandler",
        "MapHub",
        "MemoryError",
        "PodMonitor",
        "ScheduledBackup",
        "UnfairSemaphoreSpinLimit",
        "WaitForCallbackToComplete",
    ];

    [Fact]
    public void The_English_and_the_Japanese_README_link_the_same_documents_and_show_the_same_pictures() =>
        Assert.Equal(Targets("README.md").Except(["README.ja.md"]), Targets("README.ja.md").Except(["README.md"]));

    [Fact]
    public void Each_link_of_a_document_leads_to_a_file_or_a_folder() =>
        SourceFiles.AssertNone(
            from document in SourceFiles.All
            where document.Extension == ".md"
            from target in Targets(document.FullName)
            where !Path.Exists(Path.Combine(document.DirectoryName!, target))
            select $"{SourceFiles.PathOf(document)}: {target}"
        );

    [Fact]
    public void Each_anchor_of_a_link_is_a_heading_of_its_document()
    {
        var links = (
            from document in SourceFiles.All
            where document.Extension == ".md"
            from Match link in LinkAnchor().Matches(File.ReadAllText(document.FullName))
            let path = link.Groups["path"].Value
            where path.Length == 0 || (path.EndsWith(".md", StringComparison.Ordinal) && !path.Contains("://"))
            let target = path.Length == 0 ? document.FullName : Path.Combine(document.DirectoryName!, path)
            select (From: SourceFiles.PathOf(document), link.Value, Target: target, Anchor: link.Groups["anchor"].Value)
        ).ToList();

        Assert.True(links.Count > 100, $"only {links.Count} links with an anchor were found");
        var anchors = links.Select(link => link.Target).Distinct().ToDictionary(path => path, Anchors);
        SourceFiles.AssertNone(
            from link in links
            where !anchors[link.Target].Contains(link.Anchor)
            select $"{link.From}: {link.Value}"
        );
    }

    [Fact]
    public void The_index_names_each_page_once()
    {
        var linked = LinkTarget()
            .Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "README.md")))
            .Select(match => match.Groups[1].Value)
            .ToList();
        SourceFiles.AssertNone(
            from page in SourceFiles.In("docs")
            where page.Extension == ".md" && page.Directory!.Name == "docs" && page.Name != "README.md"
            let times = linked.Count(target => target == page.Name)
            where times != 1
            select $"docs/README.md names {page.Name} {times} times"
        );
    }

    [Fact]
    public void A_document_names_nothing_that_the_code_does_not_have()
    {
        // The change log names what older versions had.
        var documents = SourceFiles.All.Where(file => file.Extension == ".md" && file.Name != "CHANGELOG.md");
        var named =
            from document in documents
            from Match name in CodeName().Matches(File.ReadAllText(document.FullName))
            select (Document: SourceFiles.PathOf(document), Name: name.Groups["name"].Value);

        var words = SourceFiles
            .All.Where(file => file.Extension is not ".md" and not ".png" && file.Name != "DocumentTests.cs")
            .SelectMany(file => Word().Matches(File.ReadAllText(file.FullName)))
            .Select(word => word.Value)
            .ToHashSet();

        SourceFiles.AssertNone(
            from place in named.Distinct()
            where !words.Contains(place.Name) && !Foreign.Contains(place.Name)
            select $"{place.Document}: nothing is named {place.Name}"
        );
        SourceFiles.AssertNone(Foreign.Except(named.Select(place => place.Name)).Select(name => $"{name}: not used"));
    }

    /// <summary>The files and folders that a document links, in alphabetical order.</summary>
    private static IEnumerable<string> Targets(string document) =>
        LinkTarget()
            .Matches(File.ReadAllText(Path.Combine(Repository.Root, document)))
            .Select(match => match.Groups[1].Value)
            .Where(target => !target.StartsWith("http", StringComparison.Ordinal))
            .Distinct()
            .Order(StringComparer.Ordinal);

    private static HashSet<string> Anchors(string document) => [.. AnchorsOf(File.ReadAllLines(document))];

    /// <summary>The anchors of a document's headings: eng/site makes the same ones.</summary>
    private static IEnumerable<string> AnchorsOf(IEnumerable<string> lines)
    {
        var times = new Dictionary<string, int>();
        var isCode = false;
        foreach (var line in lines)
        {
            isCode ^= line.StartsWith("```", StringComparison.Ordinal);
            if (isCode || Heading().Match(line) is not { Success: true } heading)
                continue;

            var text = LinkInHeading().Replace(heading.Groups[1].Value, "$1").ToLowerInvariant();
            var anchor = NotInAnchor().Replace(text, "").Replace(' ', '-');
            var earlier = times[anchor] = times.GetValueOrDefault(anchor, -1) + 1;
            yield return earlier == 0 ? anchor : $"{anchor}-{earlier}";
        }
    }

    [GeneratedRegex(@"\]\(([^)#]+)[^)]*\)")]
    private static partial Regex LinkTarget();

    [GeneratedRegex(@"\]\((?<path>[^)#]*)#(?<anchor>[^)]+)\)")]
    private static partial Regex LinkAnchor();

    [GeneratedRegex("^#{1,6} (.+)$")]
    private static partial Regex Heading();

    [GeneratedRegex(@"\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex LinkInHeading();

    /// <summary>A name of two words or more, between backticks.</summary>
    [GeneratedRegex("(?<!`)`(?<name>[A-Z][a-z0-9]+([A-Z][a-z0-9]*)+)`(?!`)", RegexOptions.ExplicitCapture)]
    private static partial Regex CodeName();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word();

    [GeneratedRegex(@"[^\p{L}\p{M}\p{N}\p{Pc}\- ]")]
    private static partial Regex NotInAnchor();
}
