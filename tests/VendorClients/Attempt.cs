using System.Text.Json;
using System.Text.Json.Serialization;

namespace VendorClients;

/// <summary>One thing that was tried with a client.</summary>
/// <param name="Tried">What was tried.</param>
/// <param name="Failure">The client's own words if it failed, or null.</param>
internal sealed record Attempt([property: JsonRequired] string Tried, [property: JsonRequired] string? Failure)
{
    /// <summary>Reads the attempts that a client's program has printed, one a line. A program that then failed has one
    /// more.</summary>
    public static IReadOnlyList<Attempt> In(ToolResult program)
    {
        var attempts = program
            .Output.Split('\n')
            .Where(line => line.StartsWith("{\"tried\":", StringComparison.Ordinal))
            .Select(line => JsonSerializer.Deserialize<Attempt>(line, JsonSerializerOptions.Web)!)
            .ToList();
        if (program.ExitCode != 0 || attempts.Count == 0)
            attempts.Add(new Attempt("to the end", program.Words));

        return attempts;
    }
}
