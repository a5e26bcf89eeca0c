namespace LlmGateway.Generations;

/// <summary>Names of generations.</summary>
internal static class GenerationName
{
    public const string Kind = "generations";

    /// <summary>Returns the generation of an id, or null if it can be none's.</summary>
    public static RunName? Of(string id) =>
        id.Length == 32 && id.All(char.IsAsciiHexDigitLower) ? new RunName(Kind, id) : null;
}
