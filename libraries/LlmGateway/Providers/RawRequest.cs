using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers;

/// <summary>
/// The original body of a request. A provider with the same API gets it whole, including members that the abstraction
/// does not know.
/// </summary>
/// <param name="Vendor"><c>openai</c> or <c>anthropic</c>.</param>
/// <param name="Body">The request's JSON.</param>
internal sealed record RawRequest(string Vendor, JsonObject Body)
{
    private const string Key = "aspire-sse.request";

    public void AddTo(ChatOptions options) => (options.AdditionalProperties ??= [])[Key] = this;

    /// <summary>A copy of the body to forward; null if the client used another API.</summary>
    public static JsonObject? Of(ChatOptions? options, string vendor) =>
        options?.AdditionalProperties?.GetValueOrDefault(Key) is RawRequest raw && raw.Vendor == vendor
            ? raw.Body.DeepClone().AsObject()
            : null;
}
