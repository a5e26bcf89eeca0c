using Microsoft.AspNetCore.Authorization;

namespace StreamApi.Security;

/// <summary>
/// Checks the topics that an endpoint requires (<see cref="TopicAccess"/>) against the caller's grants.
/// </summary>
internal sealed class TopicAccessHandler : AuthorizationHandler<TopicAccess>
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, TopicAccess requirement)
    {
        if (context.Resource is HttpContext http && IsMet(requirement, http))
            context.Succeed(requirement);
        return Task.CompletedTask;
    }

    /// <summary>Describes the claim that the caller lacks for this endpoint.</summary>
    public static string MissingOf(HttpContext context) =>
        context
            .GetEndpoint()
            ?.Metadata.GetOrderedMetadata<AuthorizationPolicy>()
            .SelectMany(p => p.Requirements)
            .OfType<TopicAccess>()
            .Append(context.GetEndpoint()?.Metadata.GetMetadata<TopicAccess>())
            .FirstOrDefault(p => p is not null && !IsMet(p, context))
            is { } missing
            ? $"This requires the claim {Claim(missing)} for {missing.TopicOf(context)}."
            : "You do not have permission for this endpoint.";

    private static string Claim(TopicAccess access) => access.Publishes ? "sse.publish" : "sse.subscribe";

    private static bool IsMet(TopicAccess access, HttpContext context) =>
        Caller.Of(context).Grants is var grants && access.Publishes
            ? grants.MayPublish(access.TopicOf(context))
            : grants.MayRead(access.TopicOf(context));
}
