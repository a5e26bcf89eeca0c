namespace LlmGateway.Providers;

/// <summary>A delay before the first token of an answer, reported to its readers.</summary>
/// <param name="State"><c>queued</c>: the request waits in the provider's queue. <c>retrying</c>: the provider failed,
/// and a retry follows.</param>
/// <param name="Reason">Machine-readable reason: <c>rate_limited</c>, <c>overloaded</c>, <c>timeout</c>,
/// <c>upstream</c>; <c>busy</c> in the queue.</param>
/// <param name="Attempt">Number of the next try, from 2, or null in the queue.</param>
/// <param name="RetryInMs">Milliseconds until that try, or null in the queue.</param>
internal sealed record DelayNotice(string State, string Reason, int? Attempt = null, long? RetryInMs = null);
