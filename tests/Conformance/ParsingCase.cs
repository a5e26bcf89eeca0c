using System.Text.Json;

namespace Conformance;

/// <summary>A case of <c>clients/cases/parsing.json</c>, which the tests of all clients read.</summary>
/// <param name="Name">What it is about.</param>
/// <param name="Stream">The body.</param>
/// <param name="Events">Type, data and last id of each event.</param>
/// <param name="LastId">The last id at the end.</param>
/// <param name="Retry">The reconnection time in milliseconds, or null without one.</param>
public sealed record ParsingCase(string Name, string Stream, string[][] Events, string LastId, int? Retry)
{
    public static IReadOnlyDictionary<string, ParsingCase> All { get; } = Read();

    private static Dictionary<string, ParsingCase> Read()
    {
        using var json = typeof(ParsingCase).Assembly.GetManifestResourceStream("parsing.json")!;
        return JsonSerializer.Deserialize<ParsingCase[]>(json, JsonSerializerOptions.Web)!.ToDictionary(c => c.Name);
    }
}
