using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Unit.Build;

/// <summary>Rules between projects and folders that the compiler does not check: see CONTRIBUTING.md.</summary>
public sealed partial class HouseTests
{
    private static readonly string[] Programs = ["AppHost", "Broadcaster", "LoadTests", "StreamApi", "WebFrontend"];
    private static readonly string[] Servers =
    [
        "Broadcaster",
        "ServiceDefaults",
        "StreamApi",
        "WebFrontend",
        "libraries/EventStore",
        "libraries/LlmGateway",
        "libraries/Runs",
        "libraries/Streaming",
        "libraries/Streaming.Engine",
    ];

    /// <summary>Code that runs in a test's process.</summary>
    private static readonly string[] InTestProcesses =
    [
        "compat",
        "libraries",
        "tests/Browser",
        "tests/Conformance",
        "tests/Core",
        "tests/Harness",
        "tests/Integration",
        "tests/Stack",
        "tests/Unit",
    ];

    /// <summary>Names of types in several projects, with the reason.</summary>
    private static readonly string[] SharedNames =
    [
        // The same role in each program.
        "Commands",
        "RedisHealthCheck",
        "StatusApi",
        // A program's view of what another one has.
        "LoadRun",
        "Replica",
        // Sessions of an agent, and of an article's example.
        "SessionState",
    ];

    [Fact]
    public void Namespaces_of_tests_follow_their_folders()
    {
        var found =
            from file in SourceFiles.CSharp("tests")
            let declared = Namespace().Match(File.ReadAllText(file.FullName))
            where declared.Success
            let folder = Path.GetDirectoryName(SourceFiles.PathOf(file))!["tests/".Length..]
            where declared.Groups[1].Value != folder.Replace('/', '.').Replace('\\', '.')
            select $"{SourceFiles.PathOf(file)}: {declared.Groups[1].Value}";
        SourceFiles.AssertNone(found);
    }

    /// <summary>An application needs one directive, a host that builds on the same parts a second one: extension
    /// methods are where their callers have them in any case.</summary>
    [Fact]
    public void Public_types_of_the_libraries_are_in_the_namespace_of_applications_or_of_hosts()
    {
        Assert.NotEmpty(PublicTypes);
        SourceFiles.AssertNone(PublicTypes.Where(type => !PublicNamespace().IsMatch(type)));
    }

    /// <summary>A completion list shows them all after <c>using AspireSse</c>.</summary>
    [Fact]
    public void An_application_sees_at_most_50_types() =>
        Assert.InRange(PublicTypes.Count(type => ApplicationType().IsMatch(type)), 1, 50);

    [Fact]
    public void A_public_type_says_when_it_is_needed()
    {
        var summaries =
            from file in SourceFiles.CSharp("libraries")
            where File.Exists(Path.Combine(ProjectOf(file), "PublicAPI.Unshipped.txt"))
            from Match type in DocumentedType().Matches(File.ReadAllText(file.FullName))
            select (Name: $"{SourceFiles.PathOf(file)}: {type.Groups["name"]}", Text: type.Groups["text"].Value);
        Assert.NotEmpty(summaries);
        SourceFiles.AssertNone(
            summaries
                .Where(type => !type.Text.Contains("<remarks>Needed ", StringComparison.Ordinal))
                .Select(t => t.Name)
        );
    }

    /// <summary>A name is shown to people. Two users may have one, and most tokens have none.</summary>
    [Fact]
    public void One_file_of_the_libraries_names_the_caller()
    {
        const string Home = "libraries/Streaming/Access/CallerIdentity.cs";
        string[] reads =
        [
            ".Identity?",
            ".Identity.",
            ".Identity!",
            ".Identity is",
            "ClaimTypes",
            ".FindFirst(",
            ".HasClaim(",
        ];
        var found =
            from file in SourceFiles.CSharp("libraries")
            let path = SourceFiles.PathOf(file)
            where path != Home
            from line in File.ReadLines(file.FullName)
            where reads.Any(read => line.Contains(read, StringComparison.Ordinal))
            select $"{path}: {line.Trim()}";
        SourceFiles.AssertNone(found);
        Assert.Contains(SourceFiles.CSharp("libraries"), file => SourceFiles.PathOf(file) == Home);
    }

    /// <summary>The runner reads the results there, a line each, and drops a line that begins with something else: a
    /// lost failure passes.</summary>
    [Fact]
    public void A_program_that_a_test_starts_does_not_write_to_the_standard_output_of_the_tests()
    {
        var found =
            from file in SourceFiles.CSharp(InTestProcesses)
            from Match start in ProgramStart().Matches(File.ReadAllText(file.FullName))
            where !start.Value.Contains("RedirectStandardOutput = true", StringComparison.Ordinal)
            select $"{SourceFiles.PathOf(file)}: {start.Value}";
        SourceFiles.AssertNone(found);
    }

    /// <summary>The build refuses other clocks (eng/BannedSymbols.txt).</summary>
    [Fact]
    public void The_systems_clock_is_only_registered_or_the_default_of_a_parameter() =>
        AssertNoLine(
            SourceFiles
                .CSharp([.. Servers, "clients/dotnet"])
                // It replaces Npgsql's command timeout, and a data source has no clock.
                .Where(file => SourceFiles.PathOf(file) != "libraries/EventStore/Postgres/RunningCommands.cs")
                // Its pause spares the store, which has no clock of the application's.
                .Where(file => SourceFiles.PathOf(file) != "libraries/Streaming.Engine/Feed/StoreHead.cs"),
            SystemClock()
        );

    [Fact]
    public void Types_of_different_projects_have_different_names()
    {
        var types =
            from file in SourceFiles.CSharp([.. Programs, "ServiceDefaults", "libraries"])
            from Match type in DeclaredType().Matches(File.ReadAllText(file.FullName))
            let project = SourceFiles.PathOf(file).Split('/') is ["libraries", var library, ..]
                ? library
                : SourceFiles.PathOf(file).Split('/')[0]
            select (Name: type.Groups[1].Value, Project: project);
        SourceFiles.AssertNone(
            from type in types.Distinct()
            group type.Project by type.Name into projects
            where projects.Count() > 1 && !SharedNames.Contains(projects.Key)
            select $"{projects.Key}: {string.Join(", ", projects)}"
        );
    }

    [Fact]
    public void Only_EventStore_has_SQL_of_the_event_store() =>
        AssertNoLine(
            SourceFiles
                .CSharp([.. Programs, "ServiceDefaults", "clients", "compat", "libraries"])
                .Where(file => !SourceFiles.PathOf(file).StartsWith("libraries/EventStore/", StringComparison.Ordinal)),
            StoreSql()
        );

    /// <summary>Npgsql's cancellation blocks whoever cancels (docs/decisions/0050). What is left stops with its
    /// service.</summary>
    [Fact]
    public void Commands_get_no_cancellation_token()
    {
        string[] others =
        [
            "libraries/EventStore/Schema/",
            "libraries/EventStore/Log/Retention",
            "libraries/EventStore/Postgres/StoreListener.cs",
        ];
        AssertNoLine(
            SourceFiles
                .CSharp([.. Programs, "libraries"])
                .Where(file => !others.Any(o => SourceFiles.PathOf(file).StartsWith(o, StringComparison.Ordinal))),
            CancelledCommand()
        );
    }

    [Fact]
    public void Endpoints_are_mapped_in_files_named_Api()
    {
        const string Other = "libraries/Streaming/Opening/StreamEndpoints.cs"; // maps streams for the others
        var found =
            from file in SourceFiles.CSharp(Servers)
            let path = SourceFiles.PathOf(file)
            where !path.EndsWith("Api.cs", StringComparison.Ordinal) && path != Other
            from Match map in MappedEndpoint().Matches(File.ReadAllText(file.FullName))
            select $"{path}: {map.Value}";
        SourceFiles.AssertNone(found);
    }

    [Theory]
    [InlineData("EventStore", new string[0])]
    [InlineData("Streaming.Engine", new[] { "EventStore" })]
    [InlineData("Streaming", new[] { "Streaming.Engine" })]
    [InlineData("Runs", new[] { "Streaming" })]
    [InlineData("LlmGateway", new[] { "Runs" })]
    [InlineData("LocalServices", new[] { "EventStore" })]
    [InlineData("Measuring", new string[0])]
    public void A_library_references_only_the_one_below_it(string library, string[] below)
    {
        var project = XDocument.Load(Path.Combine(Repository.Root, "libraries", library, $"{library}.csproj"));
        var references =
            from reference in project.Descendants("ProjectReference")
            where reference.Attribute("OutputItemType") is null
            let path = reference.Attribute("Include")!.Value
            where !path.Contains("/compat/", StringComparison.Ordinal)
            select Path.GetFileNameWithoutExtension(path);
        Assert.Equal(below, references);
    }

    [Fact]
    public void Streaming_and_Runs_know_nothing_of_the_host_and_its_features() =>
        AssertNoLine(
            SourceFiles.CSharp("libraries/Streaming.Engine", "libraries/Streaming", "libraries/Runs"),
            HostWord()
        );

    [Fact]
    public void The_event_store_and_the_runs_know_no_event_of_a_session() =>
        AssertNoLine(
            SourceFiles.CSharp(
                "libraries/EventStore",
                "libraries/Streaming.Engine",
                "libraries/Streaming",
                "libraries/Runs"
            ),
            SessionWord()
        );

    [Fact]
    public void Every_decision_is_in_the_index()
    {
        var folder = Path.Combine(Repository.Root, "docs", "decisions");
        var index = File.ReadAllText(Path.Combine(folder, "README.md"));
        SourceFiles.AssertNone(
            from path in Directory.EnumerateFiles(folder, "0*.md")
            let name = Path.GetFileName(path)
            where !index.Contains($"({name})", StringComparison.Ordinal)
            select name
        );
    }

    [Fact]
    public void No_source_is_linked_into_another_project()
    {
        var found =
            from file in SourceFiles.All
            where file.Extension is ".csproj" or ".props" or ".targets"
            from Match compiled in LinkedSource().Matches(File.ReadAllText(file.FullName))
            select $"{SourceFiles.PathOf(file)}: {compiled.Value}";
        SourceFiles.AssertNone(found);
    }

    [Fact]
    public void Every_suppression_has_its_reason()
    {
        var inCode =
            from file in SourceFiles.CSharp(".")
            from Match suppression in Suppression().Matches(File.ReadAllText(file.FullName))
            where !suppression.Value.Contains("Justification", StringComparison.Ordinal)
            where !suppression.Value.Contains("//", StringComparison.Ordinal)
            select $"{SourceFiles.PathOf(file)}: {suppression.Value}";

        var inProjects =
            from file in SourceFiles.All
            where file.Extension is ".csproj" or ".props" or ".targets"
            let lines = File.ReadAllLines(file.FullName)
            from i in Enumerable.Range(0, lines.Length)
            where lines[i].Contains("<NoWarn>", StringComparison.Ordinal)
            where !lines[Math.Max(0, i - 3)..i].Any(line => line.Contains("-->", StringComparison.Ordinal))
            select $"{SourceFiles.PathOf(file)}:{i + 1}: {lines[i].Trim()}";
        SourceFiles.AssertNone(inCode.Concat(inProjects));
    }

    [Fact]
    public void SQL_reads_a_topic_in_order_only_through_events_of()
    {
        var found =
            from file in SourceFiles.All
            where file.Extension is ".cs" or ".sql" && SourceFiles.PathOf(file).StartsWith("libraries/EventStore/")
            from Match read in TopicInLogOrder().Matches(File.ReadAllText(file.FullName))
            select $"{SourceFiles.PathOf(file)}: {read.Value}";
        SourceFiles.AssertNone(found);
    }

    private static IEnumerable<string> PublicTypes =>
        from file in SourceFiles.All
        where file.Name == "PublicAPI.Unshipped.txt"
        from line in File.ReadLines(file.FullName)
        where !line.StartsWith('#') && !line.Contains("->", StringComparison.Ordinal)
        select line;

    private static string ProjectOf(FileInfo file) =>
        Path.Combine(Repository.Root, "libraries", SourceFiles.PathOf(file).Split('/')[1]);

    private static void AssertNoLine(IEnumerable<FileInfo> files, Regex forbidden) =>
        SourceFiles.AssertNone(
            from file in files
            from line in File.ReadLines(file.FullName)
            where forbidden.IsMatch(line)
            select $"{SourceFiles.PathOf(file)}: {line.Trim()}"
        );

    [GeneratedRegex(@"new ProcessStartInfo\([^;]*;")]
    private static partial Regex ProgramStart();

    [GeneratedRegex(
        @"^(?:public|internal)(?: \w+)*? (?:class|(?:record )?struct|record|interface|enum) (\w+)",
        RegexOptions.Multiline
    )]
    private static partial Regex DeclaredType();

    [GeneratedRegex(@"^namespace ([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(
        @"^AspireSse(\.Server|\.Testing)?\.\w+(<\w+>)?$|\.extension\("
            + @"|^(Aspire\.Hosting|Microsoft\.(AspNetCore|EntityFrameworkCore|Extensions))\."
    )]
    private static partial Regex PublicNamespace();

    [GeneratedRegex(@"^AspireSse\.\w+(<\w+>)?$")]
    private static partial Regex ApplicationType();

    [GeneratedRegex(
        @"(?<text>(?:^///.*\n)+)(?:^\[.*\n)*"
            + @"^public (?:\w+ )*?(?:class|(?:record )?struct|record|interface|enum) (?<name>\w+)",
        RegexOptions.Multiline
    )]
    private static partial Regex DocumentedType();

    [GeneratedRegex(@"(?<!AddSingleton\(|\?\? )TimeProvider\.System")]
    private static partial Regex SystemClock();

    [GeneratedRegex(
        @"\b(select|from|into|update|table|join|perform|call|truncate)\s+eventstore\.",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex StoreSql();

    [GeneratedRegex(@"Execute(Reader|Scalar|NonQuery)Async\(\s*(?!CancellationToken\.None)\w")]
    private static partial Regex CancelledCommand();

    [GeneratedRegex(
        @"from eventstore\.events\b[^;""]*?\btopic = [^;""]*?order by (\w\.)?position"
            + @"|m(in|ax)\((\w\.)?position\) from eventstore\.events\b[^;""]*?\btopic = "
    )]
    private static partial Regex TopicInLogOrder();

    [GeneratedRegex(@"\.Map(Get|Post|Put|Delete|Patch|Methods|Fallback|Stream)\(")]
    private static partial Regex MappedEndpoint();

    // "Bearer " is HTTP's name of a scheme.
    [GeneratedRegex(
        @"api.?key|bearer(?! )|petstore|demo\b|prompt|userId|\bllm\b|vendor|generation|\bagent|\bmodels?\b"
            + "|RateLimiting|MinResponseRate",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex HostWord();

    [GeneratedRegex("message_end|conversation", RegexOptions.IgnoreCase)]
    private static partial Regex SessionWord();

    [GeneratedRegex("<Compile Include=\"[^\"]*\\.cs\"")]
    private static partial Regex LinkedSource();

    [GeneratedRegex(@"\[(?:[\w.]+\.)?SuppressMessage\([^\]]*\]|^#pragma warning disable.*", RegexOptions.Multiline)]
    private static partial Regex Suppression();
}
