namespace Streaming.Access;

/// <summary>Decides what belongs to a caller, by the application's <see cref="IStreamAccess"/>. It is a separate
/// service, so that a wrapper of that interface has nothing more to forward.</summary>
internal abstract class OwnerAccess(IStreamAccess access)
{
    protected IStreamAccess Access { get; } = access;

    /// <inheritdoc cref="IStreamAccess.ClientOf"/>
    public ClientKey ClientOf(HttpContext context) => Access.ClientOf(context);

    /// <inheritdoc cref="IStreamAccess.OwnerOf"/>
    public string? OwnerOf(HttpContext context) => Access.OwnerOf(context);

    /// <summary>Returns true if the caller may read a run. An implementation decides whether the right to the topic is
    /// enough, or ownership is required.</summary>
    /// <param name="context">The request.</param>
    /// <param name="topic">The run's topic.</param>
    /// <param name="ownerOf">Reads the run's owner, or null if the run has none.</param>
    /// <param name="namesIt">True if the request has the run's random id, which only the run's readers know.</param>
    public abstract ValueTask<bool> MayReadRunAsync(
        HttpContext context,
        string topic,
        Func<Task<string?>> ownerOf,
        bool namesIt = true
    );

    /// <summary>Returns the caller in the form that its tickets keep.</summary>
    public abstract TicketHolder HolderOf(HttpContext context);
}

/// <summary>Ownership in an application that decides itself who may read what (<see cref="IStreamAccess"/>).</summary>
internal sealed class GrantedOwnerAccess(IStreamAccess access) : OwnerAccess(access)
{
    /// <summary>Returns true for a caller with the right to the run's topic, and for the run's owner.</summary>
    public override async ValueTask<bool> MayReadRunAsync(
        HttpContext context,
        string topic,
        Func<Task<string?>> ownerOf,
        bool namesIt
    ) => Access.MayRead(context, topic) || (OwnerOf(context) is { } user && await ownerOf() == user);

    public override TicketHolder HolderOf(HttpContext context) => TicketHolder.Of(Access.CallerOf(context));
}

/// <summary>Ownership in an application with policies. They decide who may read runs, but not whose runs a caller may
/// read.</summary>
internal sealed class PolicyOwnerAccess(IStreamAccess access) : OwnerAccess(access)
{
    /// <summary>Requires the right to the topic and ownership. A run of an anonymous caller belongs to all anonymous
    /// callers that name its id.</summary>
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

    /// <summary>Returns the caller that the policy evaluator has stored, because only the policy knows the
    /// schemes.</summary>
    public override TicketHolder HolderOf(HttpContext context) =>
        context.Features.Get<TicketHolder>()
        ?? throw new InvalidOperationException(
            "No ticket can be issued: the application added an IPolicyEvaluator of its own after AddSse, and that one "
                + "knows no tickets. Add it before AddSse."
        );

    /// <summary>Returns the caller's name, or null for an anonymous caller. A ticket owns nothing, but it reads for the
    /// user who requested it.</summary>
    private string? ReaderOf(HttpContext context) =>
        context.Features.Get<SseTicket>() is null ? OwnerOf(context) : PolicyAccess.UserOf(context);
}
