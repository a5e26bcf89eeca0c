using Streaming.Access;

namespace AspireSse;

/// <summary>Says who a caller is and what it may read.</summary>
/// <remarks><see cref="Microsoft.Extensions.Hosting.SseExtensions.AddSse"/> adds one of ASP.NET Core's authentication
/// and policies; an application with credentials of its own adds its own before. It then meets
/// <see cref="TopicAccess"/> by an authorization handler of its own, and takes tickets (<see cref="TicketReader"/>) as
/// it takes other credentials.</remarks>
public interface IStreamAccess
{
    /// <summary>Returns the one that bounds of costs count for.</summary>
    ClientKey ClientOf(HttpContext context);

    /// <summary>Returns what a stream, or a ticket, keeps of the caller.</summary>
    StreamCaller CallerOf(HttpContext context);

    /// <summary>Returns true if the caller may read every event of a topic or pattern.</summary>
    bool MayRead(HttpContext context, string topic);

    /// <summary>Returns the caller as owner of what it begins, to be compared alone, or null if the caller is
    /// anonymous, or has a credential only for named topics.</summary>
    /// <exception cref="InvalidRequestException">403: the caller has signed in, but its credential names
    /// nobody.</exception>
    string? OwnerOf(HttpContext context);

    /// <summary>Returns true if the caller may read a run: by the right to its topic, or as its owner.</summary>
    /// <param name="context">The request.</param>
    /// <param name="topic">The run's topic.</param>
    /// <param name="ownerOf">Reads the run's owner. Null if it has none.</param>
    /// <param name="namesIt">True if the request has the run's random id, which only its reader was told.</param>
    internal async ValueTask<bool> MayReadRunAsync(
        HttpContext context,
        string topic,
        Func<Task<string?>> ownerOf,
        bool namesIt = true
    ) => MayRead(context, topic) || (OwnerOf(context) is { } user && await ownerOf() == user);

    /// <summary>Returns the caller as a ticket for it keeps it.</summary>
    internal TicketHolder HolderOf(HttpContext context) => TicketHolder.Of(CallerOf(context));
}
