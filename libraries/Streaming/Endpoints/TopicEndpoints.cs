using Microsoft.AspNetCore.Authorization;
using Streaming.Endpoints;

namespace AspireSse.Server;

/// <summary>Says which rights endpoints ask for.</summary>
/// <remarks>Needed by a host with topic grants of its own (<see cref="IStreamAccess"/>).</remarks>
public static class TopicEndpoints
{
    /// <summary>Requires the right to read a topic or pattern; <c>{name}</c> is a route value of one token.</summary>
    public static RouteHandlerBuilder Reads(this RouteHandlerBuilder endpoint, string topic) =>
        endpoint.With(new TopicAccess(false, topic));

    /// <summary>Requires the right to publish, and refuses cross-site requests, GETs too.</summary>
    public static RouteHandlerBuilder Publishes(this RouteHandlerBuilder endpoint, string topic) =>
        endpoint.With(new TopicAccess(true, topic)).StartsWork();

    /// <summary>Describes an endpoint for a run's owner and for readers of the topic. The endpoint checks both by
    /// itself.</summary>
    internal static RouteHandlerBuilder ReadsOwn(this RouteHandlerBuilder endpoint, string topic) =>
        endpoint.WithMetadata(new TopicAccess(false, topic)).WithServerIssuedIds();

    /// <summary>Says that the server made the ids in the route: the endpoint answers 404 to any other value, even to
    /// one that is not a token.</summary>
    public static RouteHandlerBuilder WithServerIssuedIds(this RouteHandlerBuilder endpoint) =>
        endpoint.WithMetadata(new ServerIssuedIds());

    private static RouteHandlerBuilder With(this RouteHandlerBuilder endpoint, TopicAccess access)
    {
        endpoint.RequireAuthorization(
            new AuthorizationPolicyBuilder().RequireAuthenticatedUser().AddRequirements(access).Build()
        );
        endpoint.WithMetadata(access);
        return access.Template.Contains('{')
            ? endpoint.AddEndpointFilter(
                async (invocation, next) => RefusalOf(access, invocation.HttpContext) ?? await next(invocation)
            )
            : endpoint;
    }

    /// <summary>Refuses a route value that is not one token, if the client chooses it.</summary>
    private static IResult? RefusalOf(TopicAccess access, HttpContext context) =>
        context.GetEndpoint()?.Metadata is { } metadata
        && metadata.GetMetadata<ServerIssuedIds>() is null
        && access.InvalidIn(context) is { } name
            ? InvalidRequestException.ProblemOf(name, "must be one token of a topic, without a wildcard.")
            : null;
}
