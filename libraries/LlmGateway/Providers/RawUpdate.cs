using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers;

/// <summary>
/// Part of an answer as the provider sent it, for a client of the same vendor's API. It has members that the
/// abstraction does not know, as thinking, citations and log probabilities.
/// </summary>
/// <param name="Json">The part; the reader may change it.</param>
/// <param name="IsLast">True for the part with the end of the answer.</param>
internal sealed record RawUpdate(JsonObject Json, bool IsLast = false)
{
    public static RawUpdate Of(JsonElement json) => new(JsonObject.Create(json.Clone())!);

    /// <summary>The part in an update; null if the client used another API.</summary>
    public static RawUpdate? Of(ChatResponseUpdate update) => update.RawRepresentation as RawUpdate;
}
