using System.Text.RegularExpressions;

namespace Unit.Build;

/// <summary>StreamApi and the articles' systems are customers of the public API (docs/public-api.md). The articles'
/// systems use nothing else. What StreamApi uses beyond it is listed here, with what has to become of it; the list is
/// exact, and only shrinks. Once it is empty, its <c>InternalsVisibleTo</c> goes.</summary>
public sealed partial class PublicApiUseTests
{
    /// <summary>Internal types of the libraries, and internal classes whose extension methods are called.</summary>
    private static readonly (string Move, string[] Types)[] BeyondThePublicApi =
    [
        (
            "Public: who calls, as the host says (IStreamAccess with its grant, its client and its ticket); then the "
                + "gateway's topics, too.",
            [
                "ClientKey",
                "ExpiryTimes",
                "InvalidCredentialException",
                "SseTicket",
                "IStreamAccess",
                "OneStreamPerTicket",
                "SharedSecret",
                "StreamGrant",
                "StreamingJson",
                "SystemTopics",
                "TicketExtensions",
                "TicketHolder",
                "SseTickets",
                "TicketsApi",
                "TopicGrants",
            ]
        ),
        (
            "Into StreamApi, over System.Threading.RateLimiting: its limits of clients, of memory and of processors. "
                + "The libraries keep their own gates of replays.",
            [
                "AdmissionOptions",
                "BodyFloor",
                "ByteHold",
                "ClientCounts",
                "FairGate",
                "Gates",
                "LateRefusal",
                "LingeringRead",
                "Pace",
                "PooledBuffer",
                "ReadGate",
                "RefusalFormatExtensions",
                "RefusedException",
                "RequestBudget",
                "SpareTurn",
                "StreamRefusal",
            ]
        ),
        (
            "IEventLog with a publisher's name and a limit of a read's bytes; NewEvent checks the rest.",
            [
                "ApplicationJson",
                "EventAppender",
                "EventReader",
                "EventRules",
                "FrameJson",
                "JsonRequest",
                "ParsedJson",
                "ReservedTypes",
                "StoreTracing",
            ]
        ),
        (
            "TypedResults.EventStream, which then takes reserved topics and those of the operator.",
            [
                "EnvelopeFormat",
                "FrameFormat",
                "LastEventId",
                "NamedFormat",
                "StreamFilter",
                "StreamOpener",
                "StreamQuery",
            ]
        ),
        ("Public on TopicReader: pages of topics.", ["PatternMap", "TopicPager", "TopicPatternSet", "TopicSummary"]),
        (
            "AddSse with a host's own settings of its server; the types of settings stay internal.",
            [
                "ClientAddress",
                "EventStoreOptions",
                "GenerationLimit",
                "KeyedProviders",
                "LlmOptions",
                "ProviderOptions",
                "ReadableJsonEncoder",
                "RedisLink",
                "RelayRedis",
                "RunOptions",
                "StreamingExtensions",
                "SseOptions",
                "StreamSocket",
            ]
        ),
        (
            "Into StreamApi, with a table of its own: the list of replicas. The schema's state is public.",
            ["ReplicaState", "ReplicaStateStore", "SharedRead", "StoreMigrator", "StorePool"]
        ),
    ];

    /// <summary>The libraries whose internal types StreamApi may use as yet.</summary>
    private static readonly string[] Friends =
    [
        "libraries/EventStore",
        "libraries/Streaming",
        "libraries/Runs",
        "libraries/LlmGateway",
    ];

    [Fact]
    public void The_articles_systems_use_the_public_API_alone() =>
        SourceFiles.AssertNone(Used("StreamApi/Seeds").Select(type => $"{type.Key}: {string.Join(", ", type)}"));

    [Fact]
    public void StreamApi_uses_what_is_public_and_what_this_test_lists()
    {
        var used = Used("StreamApi");
        var listed = BeyondThePublicApi.SelectMany(group => group.Types).ToArray();

        Assert.Equal(listed.Distinct(), listed);
        SourceFiles.AssertNone(
            from type in used
            where !listed.Contains(type.Key)
            select $"{type.Key} is internal: {string.Join(", ", type)}"
        );

        SourceFiles.AssertNone(
            from type in listed
            where !used.Contains(type)
            select $"{type} is listed, but not used: take it out"
        );
    }

    /// <summary>The files of a folder that use an internal type of the libraries, by its name. A method that the folder
    /// has too counts as its own.</summary>
    private static ILookup<string, string> Used(string folder)
    {
        var files = SourceFiles.CSharp(folder).ToDictionary(SourceFiles.PathOf, CodeOf);
        var own = files.Values.SelectMany(code => Declared().Matches(code)).Select(NameOf).ToHashSet();
        var types = new HashSet<string>();
        var methods = new List<(string Name, string Type)>();
        foreach (var code in SourceFiles.CSharp(Friends).Select(CodeOf))
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
            from file in files
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

    /// <summary>A type or a method that the folder declares.</summary>
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
