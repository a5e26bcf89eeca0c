using Microsoft.Extensions.AI;
using Streaming.Admission;

namespace LlmGateway.Providers;

/// <summary>The client of a request, for its share of a provider's places.</summary>
internal static class ProviderClient
{
    private const string Key = "aspire-sse.client";

    public static void Set(ChatOptions options, ClientKey client) =>
        (options.AdditionalProperties ??= [])[Key] = client;

    /// <summary>The client's key; requests without one share a key.</summary>
    public static ClientKey Of(ChatOptions? options) =>
        options?.AdditionalProperties?.GetValueOrDefault(Key) is ClientKey client ? client : new ClientKey("", "");
}
