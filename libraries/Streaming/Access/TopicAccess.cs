using Microsoft.AspNetCore.Authorization;
using Streaming.Requests;

namespace Streaming.Access;

/// <summary>Requirement that the caller may read a topic, or publish to it. The host has the handler.</summary>
/// <param name="Template">A topic or pattern; <c>{name}</c> stands for a route value.</param>
internal sealed record TopicAccess(bool Publishes, string Template) : IAuthorizationRequirement
{
    /// <summary>Returns the topic; <c>*</c> stands for a route value that is no token, which is refused.</summary>
    public string TopicOf(HttpContext context) =>
        !Template.Contains('{')
            ? Template
            : string.Join(
                '.',
                Template.Split('.').Select(t => NameIn(t) is not { } name ? t : TokenOf(context, name) ?? "*")
            );

    /// <summary>Returns the name of the first route value that is not one token of a topic; null if all are.</summary>
    public string? InvalidIn(HttpContext context) =>
        Template.Split('.').Select(NameIn).FirstOrDefault(name => name is not null && TokenOf(context, name) is null);

    private static string? NameIn(string token) => token is ['{', .. var name, '}'] ? name : null;

    private static string? TokenOf(HttpContext context, string name) =>
        context.GetRouteValue(name)?.ToString() is { } value && !value.Contains('.') && TopicPattern.IsTopic(value)
            ? value
            : null;
}

/// <summary>Marks an endpoint for a run's owner and for readers of the topic, which checks both by itself.</summary>
internal sealed record ReadsOwnRun(TopicAccess Topic);

/// <summary>Marks an endpoint of ids that the server gave: it answers 404 to others, even to non-tokens.</summary>
internal sealed record KnowsItsIds;

internal static class TopicAccessExtensions
{
    /// <summary>Requires the right to read a topic or pattern; <c>{name}</c> is a route value of one token.</summary>
    public static RouteHandlerBuilder Reads(this RouteHandlerBuilder endpoint, string topic) =>
        endpoint.With(new TopicAccess(false, topic));

    /// <summary>Requires the right to publish, and refuses cross-site requests, GETs too.</summary>
    public static RouteHandlerBuilder Publishes(this RouteHandlerBuilder endpoint, string topic) =>
        endpoint.With(new TopicAccess(true, topic)).StartsWork();

    public static RouteHandlerBuilder ReadsOwn(this RouteHandlerBuilder endpoint, string topic) =>
        endpoint.WithMetadata(new ReadsOwnRun(new TopicAccess(false, topic))).KnowsIds();

    public static RouteHandlerBuilder KnowsIds(this RouteHandlerBuilder endpoint) =>
        endpoint.WithMetadata(new KnowsItsIds());

    private static RouteHandlerBuilder With(this RouteHandlerBuilder endpoint, TopicAccess access)
    {
        endpoint.RequireAuthorization(
            new AuthorizationPolicyBuilder().RequireAuthenticatedUser().AddRequirements(access).Build()
        );
        return access.Template.Contains('{')
            ? endpoint.AddEndpointFilter(
                async (invocation, next) => RefusalOf(access, invocation.HttpContext) ?? await next(invocation)
            )
            : endpoint;
    }

    /// <summary>Refuses a route value that is not one token, if the client chooses it.</summary>
    private static IResult? RefusalOf(TopicAccess access, HttpContext context) =>
        context.GetEndpoint()?.Metadata is { } metadata
        && metadata.GetMetadata<KnowsItsIds>() is null
        && access.InvalidIn(context) is { } name
            ? InvalidRequestException.ProblemOf(name, "must be one token of a topic, without a wildcard.")
            : null;
}
