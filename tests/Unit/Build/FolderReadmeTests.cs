using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>A large folder says where to begin, and no document names what does not exist.</summary>
public sealed partial class FolderReadmeTests
{
    /// <summary>Files of C# in a folder from which on it has a README.</summary>
    private const int LargeFolder = 10;

    private const int ReadmeLines = 12;

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
        "FunctionInvoker",
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

    private static readonly IEnumerable<FileInfo> Readmes = SourceFiles
        .In(SourceFiles.Products)
        .Where(file => file.Name == "README.md")
        .ToList();

    [Fact]
    public void A_folder_of_ten_files_has_a_README_of_at_most_twelve_lines() =>
        SourceFiles.AssertNone(
            from folder in SourceFiles.CSharp(SourceFiles.Products).GroupBy(file => file.DirectoryName!)
            where folder.Count() >= LargeFolder
            let readme = Path.Combine(folder.Key, "README.md")
            where !File.Exists(readme) || File.ReadAllLines(readme).Length > ReadmeLines
            select $"{Path.GetRelativePath(Repository.Root, readme)}: say in twelve lines what the folder decides, and "
                + "with which file to begin."
        );

    [Fact]
    public void A_README_of_a_folder_names_types_that_exist()
    {
        var types = SourceFiles
            .CSharp(".")
            .SelectMany(file => PageRules.TypesOf(File.ReadAllText(file.FullName)))
            .ToHashSet();
        SourceFiles.AssertNone(
            from readme in Readmes
            from Match name in CodeName().Matches(File.ReadAllText(readme.FullName))
            where !types.Contains(name.Groups["name"].Value)
            select $"{SourceFiles.PathOf(readme)}: there is no type {name.Groups["name"].Value}"
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
            .All.Where(file => file.Extension is not ".md" and not ".png" && file.Name != "FolderReadmeTests.cs")
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

    /// <summary>A name of two words or more, between backticks.</summary>
    [GeneratedRegex("(?<!`)`(?<name>[A-Z][a-z0-9]+([A-Z][a-z0-9]*)+)`(?!`)", RegexOptions.ExplicitCapture)]
    private static partial Regex CodeName();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word();
}
