namespace Streaming.Access;

/// <summary>Decides what belongs to a caller, by the application's <see cref="IStreamAccess"/>. A service of its own:
/// what wraps that interface has none of this to forward.</summary>
internal abstract class OwnerAccess(IStreamAccess access)
{
    protected IStreamAccess Access { get; } = access;

    /// <inheritdoc cref="IStreamAccess.ClientOf"/>
    public ClientKey ClientOf(HttpContext context) => Access.ClientOf(context);

    /// <inheritdoc cref="IStreamAccess.OwnerOf"/>
    public string? OwnerOf(HttpContext context) => Access.OwnerOf(context);

    /// <summary>Returns true if the caller may read a run: by the right to its topic, or as its owner.</summary>
    /// <param name="context">The request.</param>
    /// <param name="topic">The run's topic.</param>
    /// <param name="ownerOf">Reads the run's owner. Null if it has none.</param>
    /// <param name="namesIt">True if the request has the run's random id, which only its reader was told.</param>
    public abstract ValueTask<bool> MayReadRunAsync(
        HttpContext context,
        string topic,
        Func<Task<string?>> ownerOf,
        bool namesIt = true
    );

    /// <summary>Returns the caller as a ticket for it keeps it.</summary>
    public abstract TicketHolder HolderOf(HttpContext context);
}

/// <summary>Ownership in an application that says itself who may read what.</summary>
internal sealed class GrantedOwnerAccess(IStreamAccess access) : OwnerAccess(access)
{
    /// <summary>The right to a topic has its runs, too.</summary>
    public override async ValueTask<bool> MayReadRunAsync(
        HttpContext context,
        string topic,
        Func<Task<string?>> ownerOf,
        bool namesIt
    ) => Access.MayRead(context, topic) || (OwnerOf(context) is { } user && await ownerOf() == user);

    public override TicketHolder HolderOf(HttpContext context) => TicketHolder.Of(Access.CallerOf(context));
}

/// <summary>Ownership in an application with policies, which say who may have runs, but not whose.</summary>
internal sealed class PolicyOwnerAccess(IStreamAccess access) : OwnerAccess(access)
{
    /// <summary>A run that nobody signed in for is of all who have not either, and name it.</summary>
    public override async ValueTask<bool> MayReadRunAsync(
        HttpContext context,
        string topic,
        Func<Task<string?>> ownerOf,
        bool namesIt
    ) =>
        Access.MayRead(context, topic)
        && ReaderOf(context) is var user
        && await ownerOf() == user
        && (user is not null || namesIt);

    /// <summary>The endpoint's policy has named it, as only that knows the schemes.</summary>
    public override TicketHolder HolderOf(HttpContext context) =>
        context.Features.Get<TicketHolder>()
        ?? throw new InvalidOperationException(
            "No ticket can be issued: the application added an IPolicyEvaluator of its own after AddSse, and that one "
                + "knows no tickets. Add it before AddSse."
        );

    /// <summary>A ticket owns nothing, but reads for the one who bought it.</summary>
    private string? ReaderOf(HttpContext context) =>
        context.Features.Get<SseTicket>() is null ? OwnerOf(context) : PolicyAccess.UserOf(context);
}
