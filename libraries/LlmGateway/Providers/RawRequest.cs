using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace LlmGateway.Providers;

/// <summary>
/// The original body of a request, for a provider with the same API. It gets the body whole, including members that
/// the abstraction does not know, and its updates have its frames, as <see cref="JsonObject"/>.
/// </summary>
/// <param name="Body">The request's JSON.</param>
/// <param name="Beta">The request's <c>anthropic-beta</c> header.</param>
internal sealed record RawRequest(JsonElement Body, string? Beta = null)
{
    private const string Key = "aspire-sse.request";

    public void AddTo(ChatOptions options) => (options.AdditionalProperties ??= [])[Key] = this;

    /// <summary>The request in the provider's API; null if the client used another API.</summary>
    public static RawRequest? Of(ChatOptions? options) =>
        options?.AdditionalProperties?.GetValueOrDefault(Key) as RawRequest;

    /// <summary>Returns a copy of the body to forward.</summary>
    public JsonObject Copy() => JsonObject.Create(Body)!;
}
