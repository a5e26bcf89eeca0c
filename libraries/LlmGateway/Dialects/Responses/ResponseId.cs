namespace LlmGateway.Dialects.Responses;

/// <summary>Ids of responses: a prefix, and the id of the generation.</summary>
internal static class ResponseId
{
    public const string Prefix = "resp_";

    /// <summary>The dialect's name in stored prompts.</summary>
    public const string Dialect = "responses";

    public static string Of(RunName name) => Prefix + name.Id;

    /// <summary>Returns the run of a response's id, or null if no response can have the id.</summary>
    public static RunName? RunOf(string id) =>
        id.StartsWith(Prefix, StringComparison.Ordinal) ? GenerationName.Of(id[Prefix.Length..]) : null;
}
