using Microsoft.AspNetCore.Authorization;

namespace Streaming.Access;

/// <summary>Meets the topic requirements of the libraries' own endpoints. The application's policy has already decided,
/// and a ticket only reads.</summary>
internal sealed class PolicyTopicAccess(IStreamAccess access) : AuthorizationHandler<TopicAccess>
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, TopicAccess requirement)
    {
        if (
            context.Resource is HttpContext request
            && (
                requirement.Publishes
                    ? request.Features.Get<SseTicket>() is null
                    : access.MayRead(request, requirement.TopicOf(request))
            )
        )
            context.Succeed(requirement);

        return Task.CompletedTask;
    }
}
