using System.Runtime.CompilerServices;
using Streaming.Requests;

namespace Streaming.Endpoints;

/// <summary>The names that an endpoint's query, and a stream's body, may have. Any other name is refused: it may be a
/// misspelt filter, without which the client would get more than it asked for.</summary>
internal static class KnownNames
{
    /// <summary>Parameters of each stream of the log.</summary>
    private static readonly RequestParameter[] OfLog =
    [
        new("from", "earliest or head: where a client without an id starts.", Required: false, IsText: true),
        new("slow", "catch-up, latest or disconnect: what a client that reads too slowly gets.", false, IsText: true),
        new("last_event_id", "The last id received; the Last-Event-ID header wins.", Required: false),
    ];

    private const string Ticket = "ticket";

    /// <summary>Names that clients add to the address of any stream.</summary>
    private static readonly string[] OfStreams = ["from", "slow", "last_event_id", "lastEventId", Ticket];

    // Cached for each endpoint, because every connect asks. An endpoint's metadata never change, and are collected with
    // it.
    private static readonly ConditionalWeakTable<EndpointMetadataCollection, string[]> Names = [];

    /// <summary>Returns the parameters that an endpoint describes.</summary>
    public static IReadOnlyList<RequestParameter> ParametersOf(IEnumerable<object> metadata) =>
        [
            .. metadata.OfType<RequestParameter>(),
            .. metadata.OfType<StreamMetadata>().LastOrDefault()?.Resumes == true ? OfLog : [],
        ];

    /// <summary>Refuses a name that a stream, or an endpoint with parameters, does not know. Other endpoints take any
    /// name, because no name narrows their answer.</summary>
    /// <exception cref="InvalidRequestException">A name is unknown. The error lists the known names.</exception>
    public static void Check(EndpointMetadataCollection metadata, IEnumerable<string> names)
    {
        if (Names.GetValue(metadata, NamesOf) is { Length: > 0 } known)
            UnknownNames.Refuse(known, names, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Refuses a name that a stream's body may not have: a name that the query does not know, and the ticket,
    /// which is read before the body.</summary>
    /// <inheritdoc cref="Check"/>
    public static void CheckBody(EndpointMetadataCollection metadata, IReadOnlyList<string> names)
    {
        string[] known = [.. Names.GetValue(metadata, NamesOf).Where(name => name != Ticket)];
        if (
            names.Any(name =>
                UnknownNames.IsMeant(name, Ticket) && !known.Contains(name, StringComparer.OrdinalIgnoreCase)
            )
        )
            throw new InvalidRequestException(
                Ticket,
                $"belongs in the query, ?{Ticket}=…; the body is read only once the caller is known."
            );

        if (known.Length > 0)
            UnknownNames.Refuse(known, names, StringComparer.OrdinalIgnoreCase);
    }

    private static string[] NamesOf(EndpointMetadataCollection metadata) =>
        [
            .. ParametersOf(metadata)
                .Where(p => !p.InHeader)
                .SelectMany(p => p.Also is { } also ? (string[])[p.Name, also] : [p.Name]),
            .. metadata.GetMetadata<StreamMetadata>() is null ? [] : OfStreams,
        ];
}
