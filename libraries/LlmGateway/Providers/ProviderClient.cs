using Microsoft.Extensions.AI;

namespace LlmGateway.Providers;

/// <summary>The client of a request, for its share of a provider's places.</summary>
internal static class ProviderClient
{
    private const string Key = "aspire-sse.client";

    public static void Set(ChatOptions options, string client) => (options.AdditionalProperties ??= [])[Key] = client;

    /// <summary>The client's key; requests without one share a key.</summary>
    public static string Of(ChatOptions? options) =>
        options?.AdditionalProperties?.GetValueOrDefault(Key) as string ?? "";
}
