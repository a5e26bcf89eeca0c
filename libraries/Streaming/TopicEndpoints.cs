using Microsoft.AspNetCore.Authorization;
using Streaming.Access;

namespace AspireSse;

// The rights that endpoints ask for.
public static partial class DescribedEndpoints
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
        endpoint.WithMetadata(new TopicAccess(false, topic)).KnowsIds();

    /// <summary>Says that the server made the ids in the route: the endpoint answers 404 to any other value, even to
    /// one that is not a token.</summary>
    public static RouteHandlerBuilder KnowsIds(this RouteHandlerBuilder endpoint) =>
        endpoint.WithMetadata(new KnowsItsIds());

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
        && metadata.GetMetadata<KnowsItsIds>() is null
        && access.InvalidIn(context) is { } name
            ? InvalidRequestException.ProblemOf(name, "must be one token of a topic, without a wildcard.")
            : null;
}
