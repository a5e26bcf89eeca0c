using System.Text.Json;
using System.Text.Json.Serialization;
using EventStore;
using Streaming.Frames;

namespace Runs;

/// <summary>An event of a run before it is stored. The key is internal; frames do not contain it.</summary>
internal readonly record struct RunEvent(string Type, string Data, string? Key = null)
{
    public static RunEvent Of(string type, object data) => new(type, JsonSerializer.Serialize(data, RunJson.Options));

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
    public static readonly JsonSerializerOptions Options = new(ControlFrames.Json)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };
}

internal readonly record struct RunName(string Kind, string Id)
{
    public string Topic => $"{Kind}.{Id}";
    public string Log => $"{Topic}.log";

    public static RunName? Of(string topic) =>
        topic.Split('.') is [var kind, var id, ..] ? new RunName(kind, id) : null;
}

internal enum RunStop
{
    None,

    Cancelled,

    /// <summary>The server stops, and the grace has ended.</summary>
    Interrupted,

    /// <summary>The replica lost its lease, so another one ended the run.</summary>
    Fenced,
}

/// <summary>A run that this replica writes. Appends wait while the store is unavailable, and nothing can follow the end
/// of a run, even if another replica ended it.</summary>
internal sealed class Run(RunName name, Guid writer, StreamPosition announced, long after, RunStore store) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private int _stopped;

    public RunName Name => name;
    public string Id => name.Id;
    public Guid Writer => writer;

    /// <summary>The client whose share of the log its events use: all runs of a client have one.</summary>
    public required string Client { get; set; }

    /// <summary>Position of the announcement: a reader that starts after it gets the whole run.</summary>
    public StreamPosition Announced => announced;

    /// <summary>Cancelled when the work must stop; <see cref="StopReason"/> says why.</summary>
    public CancellationToken Stopping => _stop.Token;

    public RunStop StopReason => (RunStop)Volatile.Read(ref _stopped);

    /// <summary>Id of the last event that is known to be stored; null before the first.</summary>
    public Guid? LastStored { get; set; }

    /// <summary>Position of that event or an earlier one; before the first, one before the run.</summary>
    public long Known { get; set; } = after;

    /// <summary>True after the last event, whichever replica stored it.</summary>
    public bool Ended { get; private set; }

    /// <summary>Marks the run as ended by its work, or released.</summary>
    public void MarkEnded() => Ended = true;

    public void Stop(RunStop reason)
    {
        if (Interlocked.CompareExchange(ref _stopped, (int)reason, 0) != 0)
            return;
        try
        {
            _stop.Cancel();
        }
        catch (ObjectDisposedException) { } // the work has just ended
    }

    /// <exception cref="RunFencedException">The run has ended.</exception>
    public Task AppendAsync(params IReadOnlyList<RunEvent> events) => WriteAsync(events, ends: false);

    /// <summary>Appends events and ends the run with the last one.</summary>
    /// <exception cref="RunFencedException">The run has ended.</exception>
    public Task EndAsync(params IReadOnlyList<RunEvent> events) => WriteAsync(events, ends: true);

    private async Task WriteAsync(IReadOnlyList<RunEvent> events, bool ends)
    {
        try
        {
            await store.AppendAsync(this, events, ends);
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
