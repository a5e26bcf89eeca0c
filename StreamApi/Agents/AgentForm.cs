using System.Buffers;
using EventStore;
using StreamApi.Streaming.Frames;

namespace StreamApi.Agents;

/// <summary>An agent's events, named or not: their data says what they are. A run ends, a session does not.</summary>
internal sealed class AgentForm : FrameForm
{
    public static readonly IReadOnlyCollection<string> RunEndTypes = ["end", "error"];

    private static readonly AgentForm[] Forms = [new(false, false), new(false, true), new(true, false), new(true, true)];

    private readonly bool _named, _run;

    private AgentForm(bool named, bool run) => (_named, _run) = (named, run);

    public static AgentForm Run(bool named) => Forms[named ? 3 : 1];
    public static AgentForm Session(bool named) => Forms[named ? 2 : 0];

    public override bool SendsPositions => !_run;

    public override bool Ends(EventRecord e) => _run && e.Type is ("end" or "error");

    public override void Write(IBufferWriter<byte> output, string id, EventRecord e)
    {
        var frame = new SseFrame(output).Id(id);
        if (_named) frame.Event(e.Type);
        frame.Data(e.Data.Span).End();
    }
}
