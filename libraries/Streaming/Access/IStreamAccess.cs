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
}
