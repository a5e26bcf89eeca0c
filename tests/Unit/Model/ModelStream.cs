using System.Text;
using EventStore;
using Streaming.Fanout;
using Streaming.Frames;

namespace Unit.Model;

/// <summary>One open stream: the steps of ConnectionWriter over the real rings and pages, which the model takes in any
/// order.</summary>
internal sealed class ModelStream(ModelReplica replica, ModelReader reader, FilterLog log, ModelBug bug)
{
    private readonly FilterLogs _logs = replica.Logs;
    private readonly LogFrame[] _frames = new LogFrame[4];
    private string _epoch = "";
    private long _position,
        _told,
        _eventSent,
        _sequence = -1;
    private ReplayPage? _page,
        _answer;
    private int _pageIndex;
    private bool _asked;

    public ModelReplica Replica => replica;
    public bool Waits => _asked && _answer is null;

    public void Start(StreamId from) =>
        (_epoch, _position, _told) = (
            from.Epoch,
            from.Position - (bug == ModelBug.ResumeInclusive ? 1 : 0),
            _eventSent = from.Position
        );

    public void Close() => _logs.Release(log);

    /// <summary>Takes the answer to its read, whatever its log has meanwhile.</summary>
    public void Take()
    {
        if (_asked)
            TakePage();
    }

    /// <summary>Takes a step. Returns false if the stream waits.</summary>
    public bool Step()
    {
        if (log.Lineage is var lineage && _epoch != lineage.Epoch)
            return ChangeEpoch(lineage);
        if (_page is not null)
            return WritePage();
        if (_asked)
            return TakePage();
        var settled = _logs.Settled;
        if ((_sequence < 0 || _position > settled) && !log.TrySeek(_position, settled, out _sequence))
        {
            _asked = true;
            return false;
        }
        var count = _sequence < 0 ? 0 : log.Read(_sequence, _frames, 1_000);
        if (count < 0)
        {
            _sequence = -1;
            return true;
        }
        for (var i = 0; i < count; i++)
            Write(_frames[i]);
        _sequence += count;
        return count > 0;
    }

    /// <summary>The read that the stream waits for is made: of the recent events, else of the store.</summary>
    public void Read()
    {
        var page = _logs.ReadRecent(log.Filter, _position, _epoch, 200);
        _answer = page ?? replica.ReadStore(log.Filter, _position);
    }

    /// <summary>The timer's tick: a frame with only an id where nothing has matched.</summary>
    public void Tick(StreamId settled)
    {
        var caughtUp = _page is null && !_asked && _sequence == log.Next && _epoch == settled.Epoch;
        if ((!caughtUp && bug != ModelBug.IdTooFar) || settled.Position <= _position || _epoch != settled.Epoch)
            return;
        reader.Advance(settled);
        if (caughtUp)
            _position = settled.Position;
        _told = settled.Position;
    }

    private bool WritePage()
    {
        var page = _page!;
        if (page.DroppedThrough > _position && bug != ModelBug.SkipExpired)
        {
            Resync(ResyncReason.Expired, new StreamId(_epoch, page.DroppedThrough));
            return true;
        }
        if (_pageIndex < page.Frames.Count)
        {
            Write(page.Frames[_pageIndex++]);
            return true;
        }
        (_position, _sequence, _page) = (Math.Max(_position, page.Through), -1, null);
        return true;
    }

    private bool TakePage()
    {
        if (_answer is not { } page)
            return false;
        (_asked, _answer) = (false, null);
        var isOfLog = _epoch == log.Lineage.Epoch && IsShared(page, log.Lineage);
        if (page.Epoch == _epoch || isOfLog || bug == ModelBug.ShowAnyPage)
            (_page, _pageIndex) = (page, 0);
        return log.Lineage.Knows(page.Epoch);
    }

    private bool ChangeEpoch(Lineage lineage)
    {
        if (
            lineage.Translate(new StreamId(_epoch, _position)) is null
            && lineage.SharedWith(_epoch) is { } shared
            && _eventSent <= shared
        )
        {
            GiveUp();
            if (_told > shared)
                reader.Advance(new StreamId(lineage.Epoch, shared));
            (_epoch, _position, _told, _sequence) = (lineage.Epoch, shared, Math.Min(_told, shared), -1);
        }
        if (lineage.Translate(new StreamId(_epoch, _position)) is not { } here)
        {
            GiveUp();
            Resync(ResyncReason.Epoch, _logs.Now.Settled);
            return true;
        }
        if (_page is { } page && !IsShared(page, lineage))
        {
            _page = null;
            _sequence = -1;
        }
        _epoch = here.Epoch;
        return true;
    }

    private static bool IsShared(ReplayPage page, Lineage lineage) =>
        lineage.Translate(new StreamId(page.Epoch, page.Through)) is not null;

    private void GiveUp() => (_asked, _answer, _page) = (false, null, null);

    private void Resync(ResyncReason reason, StreamId at)
    {
        (_epoch, _position, _told, _sequence) = (at.Epoch, at.Position, at.Position, -1);
        _eventSent = at.Position;
        reader.Resync(reason, at, isOpen: true);
    }

    private void Write(LogFrame frame)
    {
        (_epoch, _position, _told) = (frame.Epoch, frame.Position, frame.Position);
        _eventSent = frame.Position;
        var text = Encoding.UTF8.GetString(frame.Bytes);
        var at = text.IndexOf("data: ", StringComparison.Ordinal) + 6;
        reader.Receive(
            new StreamId(frame.Epoch, frame.Position),
            int.Parse(text.AsSpan(at, text.IndexOf('\n', at) - at))
        );
    }
}
