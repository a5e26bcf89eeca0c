using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers;

/// <summary>
/// The original body of a request. A provider with the same API gets it whole, including members that the abstraction
/// does not know, and its answer is passed on whole (<see cref="RawUpdate"/>).
/// </summary>
/// <param name="Vendor"><c>openai</c> or <c>anthropic</c>.</param>
/// <param name="Body">The request's JSON.</param>
/// <param name="Beta">The request's <c>anthropic-beta</c> header.</param>
internal sealed record RawRequest(string Vendor, JsonObject Body, string? Beta = null)
{
    private const string Key = "aspire-sse.request";

    public void AddTo(ChatOptions options) => (options.AdditionalProperties ??= [])[Key] = this;

    /// <summary>The request in a vendor's API; null if the client used another API.</summary>
    public static RawRequest? Of(ChatOptions? options, string vendor) =>
        options?.AdditionalProperties?.GetValueOrDefault(Key) is RawRequest raw && raw.Vendor == vendor ? raw : null;

    /// <summary>A copy of the body to forward.</summary>
    public JsonObject Copy() => Body.DeepClone().AsObject();
}
