using EventStore;
using StreamApi.Streaming.Frames;

namespace StreamApi.Streaming.Fanout;

/// <summary>An event on its way to the filter logs; remembers its frames, so that each form is serialized once. Used under the logs' lock.</summary>
internal sealed class FeedEvent(string epoch, EventRecord record)
{
    private FrameForm? _form;
    private byte[]? _frame;
    private Dictionary<FrameForm, byte[]>? _more;

    public EventRecord Record => record;

    public byte[] Frame(FrameForm form)
    {
        if (ReferenceEquals(_form, form)) return _frame!;
        if (_form is null) { _form = form; return _frame = form.Frame(epoch, record); }
        _more ??= [];
        if (!_more.TryGetValue(form, out var frame)) _more[form] = frame = form.Frame(epoch, record);
        return frame;
    }
}
