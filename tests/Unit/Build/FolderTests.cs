namespace Unit.Build;

/// <summary>The folders of a project are layers: a reader of one needs only those that it uses. So it is, nearly, with
/// the files of a library.</summary>
public sealed class FolderTests
{
    public static TheoryData<string> Libraries =>
        [
            .. Directory
                .EnumerateFiles(Path.Combine(Repository.Root, "libraries"), "*.csproj", SearchOption.AllDirectories)
                .Select(project => SourceFiles.PathOf(new FileInfo(Path.GetDirectoryName(project)!)))
                .Order(StringComparer.Ordinal),
        ];

    [Theory]
    [MemberData(nameof(Libraries))]
    [InlineData("LoadTests")]
    [InlineData("StreamApi")]
    [InlineData("tests/Benchmarks")]
    [InlineData("tests/Reliability")]
    [InlineData("WebFrontend")]
    public void Folders_of_a_project_do_not_use_each_other_in_a_circle(string project) =>
        AssertNone(
            from use in FileUses.In(project)
            where use.From.Contains('/') && use.To.Contains('/')
            let folders = (From: use.From[..use.From.IndexOf('/')], To: use.To[..use.To.IndexOf('/')])
            where folders.From != folders.To
            select folders,
            most: 1
        );

    [Theory]
    [MemberData(nameof(Libraries))]
    public void Files_of_a_library_do_not_use_each_other_in_a_circle_of_more_than_three(string library) =>
        AssertNone(FileUses.In(library), most: 3);

    /// <summary>The root has what an adopter calls first: it stands on the rooms, and none of them on it. Options are
    /// apart, which all rooms read and which use no room.</summary>
    [Theory]
    [MemberData(nameof(Libraries))]
    public void No_folder_of_a_library_uses_its_root_except_for_options(string library)
    {
        var uses = FileUses.In(library);
        SourceFiles.AssertNone(
            from use in uses
            let isOfOptions = use.To.EndsWith("Options.cs", StringComparison.Ordinal)
            where use.From.Contains('/') && !use.To.Contains('/') && !isOfOptions
            select $"{use.From} uses {use.To}"
        );
        SourceFiles.AssertNone(
            from use in uses
            where uses.Any(read => read.From.Contains('/') && read.To == use.From && !use.From.Contains('/'))
            where use.To.Contains('/')
            select $"{use.From} uses {use.To}"
        );
    }

    [Fact]
    public void A_circle_is_what_uses_itself_through_others() =>
        Assert.Equal(
            [
                ["a", "b"],
                ["e", "f", "g"],
            ],
            FileUses.Circles([("a", "b"), ("b", "a"), ("b", "c"), ("d", "a"), ("e", "f"), ("f", "g"), ("g", "e")])
        );

    /// <summary>Fails with the uses in circles of more than so many.</summary>
    private static void AssertNone(IEnumerable<(string From, string To)> uses, int most)
    {
        var all = uses.ToList();
        SourceFiles.AssertNone(
            from circle in FileUses.Circles(all)
            where circle.Length > most
            from one in circle
            let used = all.Where(use => use.From == one && circle.Contains(use.To)).Select(use => use.To)
            select $"{one} uses {string.Join(", ", used.Distinct().Order(StringComparer.Ordinal))}"
        );
    }
}
