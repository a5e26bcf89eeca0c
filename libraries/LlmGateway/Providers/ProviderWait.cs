using Microsoft.Extensions.AI;

namespace LlmGateway.Providers;

/// <summary>Why an answer has not begun yet; for whoever waits for it.</summary>
/// <param name="State"><c>queued</c>: it waits for a place at the provider. <c>retrying</c>: the provider failed, and
/// is asked again.</param>
/// <param name="Reason">The word for programs that the failure would have had: <c>rate_limited</c>, <c>overloaded</c>,
/// <c>timeout</c>, <c>upstream</c>; <c>busy</c> in the queue.</param>
/// <param name="Attempt">The number of the next try, from 2; null in the queue.</param>
/// <param name="Milliseconds">Until that try; null in the queue.</param>
internal sealed record ProviderWait(string State, string Reason, int? Attempt = null, long? Milliseconds = null)
{
    private const string Key = "aspire-sse.waits";

    /// <summary>Has the request's waits told. The call comes from within the request for the next update.</summary>
    public static void TellTo(ChatOptions options, Action<ProviderWait> told) =>
        (options.AdditionalProperties ??= [])[Key] = told;

    public static Action<ProviderWait>? Listener(ChatOptions? options) =>
        options?.AdditionalProperties?.GetValueOrDefault(Key) as Action<ProviderWait>;
}
