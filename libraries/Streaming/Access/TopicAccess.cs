using Microsoft.AspNetCore.Authorization;

namespace AspireSse.Server;

/// <summary>Requires that the caller may read a topic, or publish to it, and is also metadata of the endpoint. The
/// endpoint's policy meets it, but a ticket only reads, and only its topics; an authorization handler of the
/// application may meet it, too.</summary>
/// <remarks>Needed only by an application with an <see cref="IStreamAccess"/> of its own, whose authorization handler
/// meets it.</remarks>
/// <param name="Publishes">True for the right to publish.</param>
/// <param name="Template">A topic or pattern; <c>{name}</c> stands for a route value.</param>
public sealed record TopicAccess(bool Publishes, string Template) : IAuthorizationRequirement
{
    /// <summary>Returns the topic of a request. A route value that is not one token becomes <c>*</c>, and is
    /// refused.</summary>
    public string TopicOf(HttpContext context) =>
        !Template.Contains('{')
            ? Template
            : string.Join(
                '.',
                Template.Split('.').Select(t => NameIn(t) is not { } name ? t : TokenOf(context, name) ?? "*")
            );

    /// <summary>Returns the name of the first route value that is not one token of a topic, or null if all
    /// are.</summary>
    internal string? InvalidIn(HttpContext context) =>
        Template.Split('.').Select(NameIn).FirstOrDefault(name => name is not null && TokenOf(context, name) is null);

    private static string? NameIn(string token) => token is ['{', .. var name, '}'] ? name : null;

    private static string? TokenOf(HttpContext context, string name) =>
        context.GetRouteValue(name)?.ToString() is { } value && !value.Contains('.') && TopicPattern.IsTopic(value)
            ? value
            : null;
}
