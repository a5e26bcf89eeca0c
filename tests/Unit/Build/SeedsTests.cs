using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>The articles' systems are customers of the public API (docs/public-api.md): what they use beyond it is
/// listed here with its reason, and the list is exact.</summary>
public sealed partial class SeedsTests
{
    /// <summary>Internal types of the libraries, and internal classes whose extension methods are called.</summary>
    private static readonly (string Reason, string[] Types)[] BeyondThePublicApi =
    [
        (
            "StreamApi's endpoints: the same rights, limits, methods and OpenAPI document as of its other streams.",
            [
                "CrossSite",
                "EndpointExtensions",
                "FeatureRequests",
                "RequestKind",
                "RequestKindExtensions",
                "ReservedTopicsExtensions",
                "StreamEndpoints",
                "TopicAccessExtensions",
            ]
        ),
        (
            "StreamApi's requests: a refusal names the field, and bodies and answers count against the memory.",
            ["HeldJson", "IdempotencyKey", "RequestKeyStore", "InvalidRequestException", "JsonBody", "QueryValues"]
        ),
        (
            "Fair turns of StreamApi's clients, whoever they are: a user, a key, an address.",
            ["FairGate", "IStreamAccess", "Pace", "ReadGate"]
        ),
        (
            "Ticks, and sources, run only while somebody reads, on whichever replica.",
            ["ConnectionRegistry", "TopicPresence"]
        ),
        ("Traffic for the demo comes from one replica.", ["LeaderLease"]),
        ("An unexpected exception restarts a service instead of ending the process.", ["RestartingService"]),
        (
            "The seeds' tables are in the log's database, under its rules: its pools, its time limits, its standby.",
            ["Outbox", "StorePool", "StoreTransactions"]
        ),
        (
            "Rows are deleted, and orders end, with their events in the log: a topic's first, n-th and last event.",
            ["FiniteStreams", "TopicReader"]
        ),
        ("Steps of an order are unnamed, up to the last one.", ["NamedFormatChoice"]),
        (
            "A session resumes after the number of its message, and a failure that was repaired ends nothing.",
            [
                "ControlFrames",
                "FrameFormat",
                "Greetings",
                "LastEventId",
                "LineageReader",
                "NamedFormat",
                "NumberedTopic",
                "RecentEnds",
                "ResyncReason",
                "StreamFilter",
                "StreamOpener",
                "StreamRefusal",
                "StreamRequest",
            ]
        ),
        (
            "Recommendations begin with the GET that reads them, and end with an event of their own.",
            ["RunEvent", "RunStart", "RunStarter", "RunStreams", "StreamError"]
        ),
        ("An agent's tool is for callers who may read what it tells.", ["TopicAccess"]),
    ];

    [Fact]
    public void The_seeds_use_what_is_public_and_what_this_test_lists()
    {
        var used = Used();
        var listed = BeyondThePublicApi.SelectMany(group => group.Types).ToArray();

        Assert.Equal(listed.Distinct(), listed);
        SourceFiles.AssertNone(
            from type in used
            where !listed.Contains(type.Key)
            select $"{type.Key} is internal, and not listed: {string.Join(", ", type)}"
        );

        SourceFiles.AssertNone(
            from type in listed
            where !used.Contains(type)
            select $"{type} is listed, but not used: take it out"
        );
    }

    /// <summary>The files of the seeds that use an internal type of the libraries, by its name. A method that the seeds
    /// have too counts as theirs.</summary>
    private static ILookup<string, string> Used()
    {
        var seeds = SourceFiles.CSharp("StreamApi/Seeds").ToDictionary(SourceFiles.PathOf, CodeOf);
        var own = seeds.Values.SelectMany(code => Declared().Matches(code)).Select(NameOf).ToHashSet();
        var types = new HashSet<string>();
        var methods = new List<(string Name, string Type)>();
        foreach (var code in SourceFiles.CSharp("libraries").Select(CodeOf))
        {
            var ofFile = InternalType().Matches(code);
            types.UnionWith(ofFile.Select(NameOf));
            methods.AddRange(
                from Match method in ExtensionMethod().Matches(code)
                where ofFile.Any(type => type.Index < method.Index)
                select (NameOf(method), NameOf(ofFile.Last(type => type.Index < method.Index)))
            );
        }

        var typesOf = methods.ToLookup(method => method.Name, method => method.Type);

        return (
            from file in seeds
            let named = Named().Matches(file.Value).Select(NameOf).Where(types.Contains)
            let called = Called().Matches(file.Value).Select(NameOf).Except(own).SelectMany(name => typesOf[name])
            from type in named.Except(own).Concat(called)
            select (Type: type, Path: file.Key)
        )
            .Distinct()
            .ToLookup(use => use.Type, use => use.Path);
    }

    private static string NameOf(Match match) => match.Groups["name"].Value;

    private static string CodeOf(FileInfo file) => Comment().Replace(File.ReadAllText(file.FullName), "");

    [GeneratedRegex(@"^\s*//.*", RegexOptions.Multiline)]
    private static partial Regex Comment();

    /// <summary>A type outside others. Those of the libraries that are not public are all internal.</summary>
    [GeneratedRegex(
        @"^internal(?: \w+)*? (?:class|(?:record )?struct|record|interface|enum|delegate [\w<>\[\]?]+) (?<name>\w+)",
        RegexOptions.Multiline
    )]
    private static partial Regex InternalType();

    [GeneratedRegex(
        @"^    (?:public|internal) static [^=;{]*?\b(?<name>\w+)(?:<[\w, ]+>)?\(\s*this ",
        RegexOptions.Multiline
    )]
    private static partial Regex ExtensionMethod();

    /// <summary>A type or a method that the seeds declare.</summary>
    [GeneratedRegex(
        @"\b(?:class|struct|record|interface|enum) (?<name>\w+)"
            + @"|^    (?:public|private|protected|internal) [^=;{(]*?(?<name>\w+)(?:<[\w, ]+>)?\(",
        RegexOptions.Multiline
    )]
    private static partial Regex Declared();

    [GeneratedRegex(@"(?<![.\w""])(?<name>[A-Z]\w*)")]
    private static partial Regex Named();

    [GeneratedRegex(@"\.(?<name>\w+)(?:<[\w, ]+>)?\(")]
    private static partial Regex Called();
}
