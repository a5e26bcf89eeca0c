using EventStore;
using Microsoft.AspNetCore.Authorization;

namespace Streaming.Access;

/// <summary>Authorization requirement of an endpoint: its caller may read, or publish to, a topic. The host has the
/// handler.</summary>
/// <param name="Publishes">To publish to the topic; otherwise to read it.</param>
/// <param name="Template">A topic or pattern; <c>{name}</c> stands for a value of the route.</param>
internal sealed record TopicAccess(bool Publishes, string Template) : IAuthorizationRequirement
{
    /// <summary>The topic of a request. A route value that is not a token of a topic counts as <c>*</c>: the endpoint
    /// itself reports it.</summary>
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
                    && TopicPattern.IsTopic(value)
                        ? value
                    : "*"
                )
        );
    }
}

/// <summary>The endpoint checks the topics itself: they are in the request.</summary>
internal sealed record ChecksTopicsItself;

/// <summary>A GET of the endpoint changes something or makes something work.</summary>
internal sealed record StartsWorkMetadata;

internal static class TopicAccessExtensions
{
    /// <summary>Requires the right to read this topic or pattern; <c>{name}</c> stands for a value of the
    /// route.</summary>
    public static RouteHandlerBuilder Reads(this RouteHandlerBuilder endpoint, string topic) =>
        endpoint.With(new TopicAccess(false, topic));

    /// <summary>Requires the right to publish to this topic or pattern; refused to pages of other sites, by GET
    /// too.</summary>
    public static RouteHandlerBuilder Publishes(this RouteHandlerBuilder endpoint, string topic) =>
        endpoint.With(new TopicAccess(true, topic)).StartsWork();

    /// <inheritdoc cref="ChecksTopicsItself"/>
    public static RouteHandlerBuilder ChecksTopics(this RouteHandlerBuilder endpoint) =>
        endpoint.WithMetadata(new ChecksTopicsItself());

    /// <summary>Refuses GETs of pages of other sites; <see cref="Publishes"/> includes it.</summary>
    public static RouteHandlerBuilder StartsWork(this RouteHandlerBuilder endpoint) =>
        endpoint.WithMetadata(new StartsWorkMetadata());

    private static RouteHandlerBuilder With(this RouteHandlerBuilder endpoint, TopicAccess access) =>
        endpoint.RequireAuthorization(
            new AuthorizationPolicyBuilder().RequireAuthenticatedUser().AddRequirements(access).Build()
        );
}
