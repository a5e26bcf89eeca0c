using Microsoft.AspNetCore.Authorization;

namespace StreamApi.Security;

/// <summary>What a caller of an endpoint must be allowed to.</summary>
/// <param name="Publishes">To publish to the topic; otherwise to read it.</param>
/// <param name="Template">A topic or pattern; <c>{name}</c> stands for a value of the route.</param>
internal sealed record TopicPolicy(bool Publishes, string Template) : IAuthorizationRequirement
{
    /// <summary>The topic of a request. A route value that is no token of a topic stands for any: the endpoint will say
    /// what is wrong with it.</summary>
    public string TopicOf(HttpContext context)
    {
        if (!Template.Contains('{'))
            return Template;
        return string.Join(
            '.',
            Template
                .Split('.')
                .Select(token =>
                    token is not ['{', .. var name, '}'] ? token
                    : context.GetRouteValue(name)?.ToString() is { } value
                    && !value.Contains('.')
                    && EventStore.TopicPattern.IsTopic(value)
                        ? value
                    : "*"
                )
        );
    }

    public bool IsMetBy(HttpContext context) =>
        Caller.Of(context).Grants is var grants && Publishes
            ? grants.MayPublish(TopicOf(context))
            : grants.MayRead(TopicOf(context));

    /// <summary>Says which of an endpoint's policies the caller does not meet.</summary>
    public static string MissingOf(HttpContext context) =>
        context
            .GetEndpoint()
            ?.Metadata.GetOrderedMetadata<AuthorizationPolicy>()
            .SelectMany(p => p.Requirements)
            .OfType<TopicPolicy>()
            .FirstOrDefault(p => !p.IsMetBy(context))
            is { } missing
            ? $"This takes the claim {(missing.Publishes ? "sse.publish" : "sse.subscribe")} for {missing.TopicOf(context)}."
            : "You may not do this.";
}

internal sealed class TopicPolicyHandler : AuthorizationHandler<TopicPolicy>
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, TopicPolicy requirement)
    {
        if (context.Resource is HttpContext http && requirement.IsMetBy(http))
            context.Succeed(requirement);
        return Task.CompletedTask;
    }
}

internal static class TopicPolicyExtensions
{
    /// <summary>Only for who may read this topic or pattern; <c>{name}</c> stands for a value of the route.</summary>
    public static RouteHandlerBuilder Reads(this RouteHandlerBuilder endpoint, string topic) =>
        endpoint.With(new TopicPolicy(false, topic));

    /// <summary>
    /// Only for who may publish to this topic or pattern; not for pages of other sites, by GET either.
    /// </summary>
    public static RouteHandlerBuilder Publishes(this RouteHandlerBuilder endpoint, string topic) =>
        endpoint.With(new TopicPolicy(true, topic)).StartsWork();

    /// <summary>The endpoint asks about the topics itself: they are in the request.</summary>
    public static RouteHandlerBuilder ChecksTopics(this RouteHandlerBuilder endpoint) =>
        endpoint.WithMetadata(new ChecksTopicsItself());

    private static RouteHandlerBuilder With(this RouteHandlerBuilder endpoint, TopicPolicy policy) =>
        endpoint.RequireAuthorization(
            new AuthorizationPolicyBuilder(Credentials.CredentialHandler.Name)
                .RequireAuthenticatedUser()
                .AddRequirements(policy)
                .Build()
        );
}

/// <summary>See <see cref="TopicPolicyExtensions.ChecksTopics"/>.</summary>
internal sealed record ChecksTopicsItself;
