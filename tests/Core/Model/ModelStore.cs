using System.Globalization;
using System.Text;
using EventStore;

namespace Core.Model;

/// <summary>The events of one epoch, those that it shares with its parent included.</summary>
internal sealed class ModelHistory(string epoch, ModelHistory? parent, long common)
{
    public string Epoch => epoch;
    public ModelHistory? Parent => parent;
    public long Common => common;
    public List<EventRecord> Events { get; } =
        parent is null ? [] : [.. parent.Events.Where(e => e.Position <= common)];
    public long Head => Events.Count == 0 ? common : Math.Max(common, Events[^1].Position);

    /// <summary>The last position that an earlier epoch has in common, or null for an epoch that is no
    /// ancestor.</summary>
    public long? SharedWith(string earlier)
    {
        var shared = long.MaxValue;

        for (var at = this; at is not null; at = at.Parent)
        {
            if (at.Epoch == earlier)
                return shared;
            shared = Math.Min(shared, at.Common);
        }

        return null;
    }

    /// <summary>The first event after a position that passes.</summary>
    public EventRecord? After(long position, Func<string, bool> matches) =>
        Events.Find(e => e.Position > position && matches(e.Topic));
}

/// <summary>The log with its promotions: the truth by which every reader is judged.</summary>
internal sealed class ModelStore
{
    private int _number;

    public ModelStore() => Histories.Add(new ModelHistory("e1", null, 0));

    /// <summary>All epochs, the current one last.</summary>
    public List<ModelHistory> Histories { get; } = [];
    public ModelHistory Now => Histories[^1];
    public long DroppedThrough { get; private set; }

    /// <summary>Every seventh event is too large for Redis.</summary>
    public static bool IsLarge(EventRecord record) => record.Position % 7 == 0;

    public ModelHistory Of(string epoch) => Histories.Single(h => h.Epoch == epoch);

    /// <summary>Appends to an epoch: the current one, or one whose primary does not know yet that it is
    /// former.</summary>
    public CommittedEvents Append(ModelHistory history, IEnumerable<string> topics, bool skipsPosition)
    {
        var appended = new List<EventRecord>();
        var previous = history.Head;
        var position = previous + (skipsPosition ? 1 : 0);

        foreach (var topic in topics)
        {
            var data = Encoding.UTF8.GetBytes((++_number).ToString(CultureInfo.InvariantCulture));
            appended.Add(
                new()
                {
                    At = new StreamPosition(history.Epoch, ++position),
                    Id = Guid.Empty,
                    Topic = topic,
                    Type = "n",
                    Data = data,
                    Time = DateTimeOffset.UnixEpoch,
                }
            );
        }

        history.Events.AddRange(appended);
        return new CommittedEvents(history.Epoch, previous, appended);
    }

    /// <summary>A standby that lacks the last events becomes the primary.</summary>
    public void Promote(int lost)
    {
        var common = Math.Max(DroppedThrough, Now.Events.SkipLast(lost).LastOrDefault()?.Position ?? 0);
        Histories.Add(new ModelHistory($"e{Histories.Count + 1}", Now, common));
    }

    public void Retain(long through) => DroppedThrough = Math.Max(DroppedThrough, Math.Min(through, Now.Head));

    public LogPage Read(long after, Func<string, bool> matches, int most = 7, ModelHistory? of = null)
    {
        var history = of ?? Now;
        var found = history.Events.Where(e => e.Position > Math.Max(after, DroppedThrough) && matches(e.Topic));
        var events = found.Take(most).ToList();
        var through = events.Count == most ? events[^1].Position : Math.Max(history.Head, after);
        return new(history.Epoch, history.Head, DroppedThrough, events, through);
    }

    public LogPage HeadOf(ModelHistory history) => new(history.Epoch, history.Head, DroppedThrough, [], history.Head);

    /// <summary>The lineage as the table has it.</summary>
    public Lineage LineageOf(string epoch) =>
        Lineage.Of(
            epoch,
            [
                .. Enumerable
                    .Reverse(Histories)
                    .Select(h => new EpochRow(h.Epoch, h.Parent?.Epoch, h.Parent is null ? 0 : h.Common)),
            ]
        );
}
