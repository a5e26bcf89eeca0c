using System.Net;
using Harness;
using Integration.Seeds;

namespace Integration.Delivery;

/// <summary>The answer of a replica at <c>/health</c>.</summary>
internal static class ReplicaHealth
{
    public static Task IsAsync(RunningService replica, HttpStatusCode status) => SaysAsync(replica, "", status);

    /// <summary>Waits until it says the text, with the status if one is given.</summary>
    public static Task SaysAsync(RunningService replica, string text, HttpStatusCode? status = null) =>
        Eventually.HoldsAsync(
            async () =>
            {
                using var health = await SeedRequests.SendAsync(replica.Url, HttpMethod.Get, "/health");
                return (status is null || health.StatusCode == status)
                    && (await health.Content.ReadAsStringAsync()).Contains(text, StringComparison.Ordinal);
            },
            $"/health says '{text}' {(int?)status}"
        );
}
