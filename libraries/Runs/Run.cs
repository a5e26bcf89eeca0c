using System.Text.Json;
using EventStore;

namespace Runs;

/// <summary>An event of a run before it is stored. The key is for the run's own bookkeeping; frames do not show
/// it.</summary>
internal readonly record struct RunEvent(string Type, string Data, string? Key = null)
{
    /// <summary>Serialized as one compact line, readable.</summary>
    public static RunEvent Of(string type, object data) => new(type, JsonSerializer.Serialize(data, RunJson.Options));

    /// <summary>What readers get where a run ends without having come to its end.</summary>
    public static RunEvent Failed(string error, string reason) =>
        Of(
            "error",
            new
            {
                error,
                fatal = true,
                reason,
            }
        );
}

internal static class RunJson
{
    public static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        Encoder = Streaming.Frames.ReadableJsonEncoder.Instance,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
    };
}

/// <summary>Which run: its kind and id. Its events have the topic <c>kind.id</c>, what is known of it
/// <c>kind.id.log</c>.</summary>
internal readonly record struct RunName(string Kind, string Id)
{
    public string Topic => $"{Kind}.{Id}";
    public string Log => $"{Topic}.log";

    public static RunName? Of(string topic) =>
        topic.Split('.') is [var kind, var id, ..] ? new RunName(kind, id) : null;
}

/// <summary>Why a run's work must stop before its end.</summary>
internal enum RunStop
{
    None,

    /// <summary>Somebody asked for it.</summary>
    Cancelled,

    /// <summary>The server stops, and the grace is over.</summary>
    Interrupted,

    /// <summary>The lease was lost; another replica has ended the run.</summary>
    Fenced,
}

/// <summary>
/// A run that this replica writes. One writer at a time. Every append is fenced: once the run has ended, whoever ended
/// it, nothing can
/// follow. While the store is away an append waits for it.
/// </summary>
internal sealed class Run(RunName name, Guid writer, StreamId announced, RunLog log) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private int _stopped;

    public RunName Name => name;
    public string Id => name.Id;
    public Guid Writer => writer;

    /// <summary>The announcement: a reader that starts after it gets the run whole, and its id names the run.</summary>
    public StreamId Announced => announced;

    /// <summary>Cancelled when the work must stop; <see cref="StopReason"/> says why.</summary>
    public CancellationToken Stopping => _stop.Token;

    public RunStop StopReason => (RunStop)Volatile.Read(ref _stopped);

    /// <summary>Its last event is stored, or another ended it.</summary>
    public bool Ended { get; private set; }

    /// <summary>Its work has given it up, or ended it.</summary>
    public void MarkEnded() => Ended = true;

    public void Stop(RunStop reason)
    {
        if (Interlocked.CompareExchange(ref _stopped, (int)reason, 0) != 0)
            return;
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException) { } // its work has just ended by itself
    }

    /// <exception cref="RunFencedException">The run has ended.</exception>
    public Task AppendAsync(params IReadOnlyList<RunEvent> events) => WriteAsync(events, ends: false);

    /// <summary>The last of the events ends the run.</summary>
    /// <exception cref="RunFencedException">The run has ended.</exception>
    public Task EndAsync(params IReadOnlyList<RunEvent> events) => WriteAsync(events, ends: true);

    private async Task WriteAsync(IReadOnlyList<RunEvent> events, bool ends)
    {
        try
        {
            await log.AppendAsync(this, events, ends);
            Ended |= ends;
        }
        catch (RunFencedException)
        {
            Ended = true;
            Stop(RunStop.Fenced);
            throw;
        }
    }

    public void Dispose() => _stop.Dispose();
}
