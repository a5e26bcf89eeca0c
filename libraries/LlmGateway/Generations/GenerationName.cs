namespace LlmGateway.Generations;

/// <summary>Names of generations.</summary>
internal static class GenerationName
{
    public const string Kind = "generations";

    /// <summary>Returns the name of the generation with an id, or null if no generation can have the id.</summary>
    public static RunName? Of(string id) =>
        id.Length == 32 && id.All(char.IsAsciiHexDigitLower) ? new RunName(Kind, id) : null;
}
