using System.Diagnostics.CodeAnalysis;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.ChangeTracking;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Internal;

namespace EventStore.EntityFrameworkCore;

/// <summary>The events of a context that are not saved yet. They share the fate of its changes: a failed save keeps
/// them, <c>ChangeTracker.Clear</c> and the return to a pool forget them.</summary>
internal sealed class PendingEvents : IResettableService
{
    private readonly DbContext _context;
    private readonly List<NewEvent> _waiting = [];

    /// <summary>Events that the current save has written.</summary>
    private readonly List<NewEvent> _written = [];

    /// <summary>Events of a save that did not accept its changes: the next save writes them again, under their
    /// ids.</summary>
    private readonly List<NewEvent> _unaccepted = [];

    /// <summary>A change of that save, whose state shows whether the changes have been accepted since.</summary>
    private EntityEntry? _change;

    private PendingEvents(DbContext context) => _context = context;

    /// <summary>True once the current save has written events.</summary>
    public bool AreWritten => _written.Count > 0;

    /// <summary>True if the transaction's owner calls <see cref="Outbox.WakeAsync"/> after its commit: a commit with a
    /// notification would make all others wait for a synchronous standby.</summary>
    public bool WakesRelay { get; set; }

    /// <summary>True once any save of the context has written events.</summary>
    public bool HasPublished { get; private set; }

#pragma warning disable EF1001 // Only the cache of sets is reset together with the changes of its context.
    public static PendingEvents Of(DbContext context) =>
        (PendingEvents)((IDbSetCache)context).GetOrAddSet(Source.Instance, typeof(PendingEvents));

    /// <summary>Returns the context's events, or null if the context has never published.</summary>
    public static PendingEvents? Find(DbContext? context)
    {
        if (context is not null)
            foreach (var set in ((IDbSetCache)context).GetSets())
                if (set is PendingEvents events)
                    return events;

        return null;
    }

    private sealed class Source : IDbSetSource
    {
        private const DynamicallyAccessedMemberTypes OfEntities =
            DynamicallyAccessedMemberTypes.PublicConstructors
            | DynamicallyAccessedMemberTypes.NonPublicConstructors
            | DynamicallyAccessedMemberTypes.PublicProperties
            | DynamicallyAccessedMemberTypes.PublicFields
            | DynamicallyAccessedMemberTypes.NonPublicProperties
            | DynamicallyAccessedMemberTypes.NonPublicFields
            | DynamicallyAccessedMemberTypes.Interfaces;

        public static Source Instance { get; } = new();

        public object Create(DbContext context, [DynamicallyAccessedMembers(OfEntities)] Type type) =>
            new PendingEvents(context);

        public object Create(DbContext context, string name, [DynamicallyAccessedMembers(OfEntities)] Type type) =>
            new PendingEvents(context);
    }
#pragma warning restore EF1001

    public void Add(NewEvent published)
    {
        // A pool may have taken the handlers of a context that it got back.
        _context.SavedChanges -= OnSaved;
        _context.SavedChanges += OnSaved;
        _waiting.Add(published);
    }

    /// <summary>The events that wait for a save.</summary>
    public IReadOnlyList<NewEvent> Pending => [.. _unaccepted, .. _waiting];

    /// <summary>Forgets all waiting events except these.</summary>
    public void Keep(IReadOnlyList<NewEvent> kept)
    {
        _unaccepted.RemoveAll(published => !kept.Contains(published));
        _waiting.RemoveAll(published => !kept.Contains(published));
    }

    public void BeginSave() => _written.Clear();

    /// <summary>Returns the events that a save has to write now, in the order of their calls.</summary>
    public IReadOnlyList<NewEvent> ToWrite()
    {
        if (_change is { State: EntityState.Unchanged or EntityState.Detached })
            ForgetUnaccepted();
        return Pending;
    }

    /// <summary>Marks what <see cref="ToWrite"/> returned as written. Later events belong to the next save.</summary>
    public void MarkWritten(IReadOnlyList<NewEvent> written)
    {
        _waiting.RemoveRange(0, written.Count - _unaccepted.Count);
        ForgetUnaccepted();
        _written.AddRange(written);
        HasPublished = true;
    }

    public void ResetState()
    {
        _waiting.Clear();
        _written.Clear();
        ForgetUnaccepted();
        WakesRelay = HasPublished = false;
    }

    public Task ResetStateAsync(CancellationToken cancellationToken = default)
    {
        ResetState();
        return Task.CompletedTask;
    }

    private void OnSaved(object? sender, SavedChangesEventArgs saved)
    {
        if (!saved.AcceptAllChangesOnSuccess && AreWritten)
        {
            _unaccepted.AddRange(_written);
            _change = _context
                .ChangeTracker.Entries()
                .FirstOrDefault(entry => entry.State is not (EntityState.Unchanged or EntityState.Detached));
        }

        _written.Clear();
    }

    private void ForgetUnaccepted()
    {
        _unaccepted.Clear();
        _change = null;
    }
}
