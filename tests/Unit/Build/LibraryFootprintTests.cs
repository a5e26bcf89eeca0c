using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>A library is a guest: it changes nothing that a process has once, and takes no common name.</summary>
public sealed partial class LibraryFootprintTests
{
    /// <summary>Code that runs in applications of others. The AppHost's library starts programs, and prints.</summary>
    private static readonly string[] Guests =
    [
        "clients/dotnet",
        "libraries/EventStore",
        "libraries/EventStore.EntityFrameworkCore",
        "libraries/LlmGateway",
        "libraries/Runs",
        "libraries/Streaming",
        "libraries/Streaming.Engine",
        "libraries/Testing",
    ];

    [Fact]
    public void No_library_changes_what_a_process_has_once() =>
        SourceFiles.AssertNone(Lines(ProcessWide()).Select(found => $"{found.Place}: {found.Match.Value}"));

    [Fact]
    public void No_library_configures_what_is_the_host_s() =>
        SourceFiles.AssertNone(
            Lines(OptionsOfTheHost())
                // Does nothing unless SseOptions.TakeOverConnections is set.
                .Where(found => !(found.Place + found.Line).Contains("TakeoverSetup", StringComparison.Ordinal))
                .Select(found => $"{found.Place}: {found.Match.Value}")
        );

    [Fact]
    public void Every_name_that_a_library_shares_with_its_host_has_our_prefix()
    {
        var named = Lines(SharedName()).Select(found => (found.Place, Name: found.Match.Groups["name"].Value)).ToList();

        Assert.InRange(named.Count, 15, int.MaxValue);
        SourceFiles.AssertNone(
            from name in named
            where !Prefixed().IsMatch(name.Name)
            select $"{name.Place}: {name.Name}"
        );
    }

    [Theory]
    [InlineData("GC.Collect(2);")]
    [InlineData("GCSettings.LatencyMode = GCLatencyMode.Batch;")]
    [InlineData("ThreadPool.SetMinThreads(9, 9);")]
    [InlineData("AppContext.SetSwitch(\"a\", true);")]
    [InlineData("Environment.ExitCode = 1;")]
    [InlineData("Environment.SetEnvironmentVariable(\"a\", \"b\");")]
    [InlineData("Console.WriteLine();")]
    [InlineData("AppDomain.CurrentDomain.ProcessExit += Stop;")]
    public void A_change_of_the_process_is_found(string line) => Assert.Matches(ProcessWide(), line);

    private static IEnumerable<(string Place, string Line, Match Match)> Lines(Regex pattern) =>
        from file in SourceFiles.CSharp(Guests)
        from line in File.ReadAllLines(file.FullName).Index()
        where !line.Item.TrimStart().StartsWith("//", StringComparison.Ordinal)
        from match in pattern.Matches(line.Item)
        select ($"{SourceFiles.PathOf(file)}:{line.Index + 1}", line.Item, match);

    [GeneratedRegex(
        @"\bGC\.(Collect|TryStartNoGCRegion|RefreshMemoryLimit|AddMemoryPressure|RegisterForFullGC)|\bGCSettings\."
            + @"|\bThreadPool\.Set|\bAppContext\.Set|\bEnvironment\.(ExitCode|Exit\(|FailFast|SetEnv|CurrentDirectory)"
            + @"|\bConsole\.|\bPosixSignalRegistration\b|\.(ProcessExit|UnhandledException|UnobservedTaskException)\b"
            + @"|\bServicePointManager\b|\bDefaultThreadCurrent|\bCultureInfo\.Current\w+ =|\bTrace\.Listeners\b"
            + @"|\bActivity\.(Force)?DefaultIdFormat\b|\bPriorityClass\b|\bDirectory\.SetCurrent"
    )]
    private static partial Regex ProcessWide();

    [GeneratedRegex(
        @"\b(AddOptions|I?(Post)?Configure(Options)?)<(HostOptions|KestrelServerOptions|SocketTransportOptions"
            + @"|ForwardedHeadersOptions|AuthorizationOptions|AuthenticationOptions|HttpClientFactoryOptions"
            + @"|LoggerFilterOptions|RouteOptions|ResponseCompressionOptions)>"
            + @"|\bConfigure(Kestrel|HttpClientDefaults|All)\b|\bIStartupFilter\b"
    )]
    private static partial Regex OptionsOfTheHost();

    [GeneratedRegex(
        @"(?:BindConfiguration\(|GetSection\(\$?|AddCheck<\w+>\(|ActivitySource(?:\s\w+ = new)?\("
            + @"|\bMeter(?:\s\w+ = new)?\(|(?<!SearchValues)\.Create\(|AddHttpClient\("
            + @"|new Thread\(.*Name = \$?)""(?<name>[^""]+)"""
    )]
    private static partial Regex SharedName();

    [GeneratedRegex("^(AspireSse[:.]|sse-)")]
    private static partial Regex Prefixed();
}
