namespace AspireSse.Server;

/// <summary>Says who a caller is and what it may read.</summary>
/// <remarks>Needed only by an application that decides itself who a caller is and what it may read, as StreamApi does.
/// <see cref="Microsoft.Extensions.Hosting.SseExtensions.AddSse"/> adds one for ASP.NET Core's authentication and
/// policies, unless another was added before. An application that adds its own also meets <see cref="TopicAccess"/> by
/// an authorization handler, and accepts tickets (<see cref="TicketReader"/>) like other credentials.</remarks>
public interface IStreamAccess
{
    /// <summary>Returns the client that limits on costs count for.</summary>
    ClientKey ClientOf(HttpContext context);

    /// <summary>Returns what a stream, or a ticket, keeps of the caller.</summary>
    StreamCaller CallerOf(HttpContext context);

    /// <summary>Returns true if the caller may read every event of a topic or pattern.</summary>
    bool MayRead(HttpContext context, string topic);

    /// <summary>Returns the caller as the owner of what it begins, only for comparison, or null if the caller is
    /// anonymous or has a credential only for named topics.</summary>
    /// <exception cref="InvalidRequestException">403: the caller has signed in, but its credential names
    /// nobody.</exception>
    string? OwnerOf(HttpContext context);
}
