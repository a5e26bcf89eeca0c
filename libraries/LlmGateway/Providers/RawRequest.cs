using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers;

/// <summary>
/// A request as its client wrote it. Where face and provider speak the same language it goes through with everything
/// that the
/// abstraction has no word for.
/// </summary>
/// <param name="Vendor"><c>openai</c> or <c>anthropic</c>.</param>
/// <param name="Body">The request's JSON.</param>
internal sealed record RawRequest(string Vendor, JsonObject Body)
{
    private const string Key = "aspire-sse.request";

    public void AddTo(ChatOptions options) => (options.AdditionalProperties ??= [])[Key] = this;

    /// <summary>A copy of the body to send on; null where the client spoke another language.</summary>
    public static JsonObject? Of(ChatOptions? options, string vendor) =>
        options?.AdditionalProperties?.GetValueOrDefault(Key) is RawRequest raw && raw.Vendor == vendor
            ? raw.Body.DeepClone().AsObject()
            : null;
}
