using System.Runtime.CompilerServices;
using EventStore;
using Streaming.Replay;
using Streaming.Requests;

namespace LlmGateway.Generations;

/// <summary>The part of a run that the store has.</summary>
/// <param name="kind">The run's kind.</param>
internal sealed class RunSoFar(string kind)
{
    private readonly List<ChatResponseUpdate> _updates = [];

    public IReadOnlyList<ChatResponseUpdate> Updates => _updates;

    /// <summary>True if no more updates follow.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>The failure of the run, or null if it has not failed.</summary>
    public UpstreamException? Failure { get; private set; }

    /// <summary>Adds the next event of the run.</summary>
    public void Add(string type, ReadOnlyMemory<byte> data)
    {
        HasEnded = GenerationEvents.Ends(kind, type);
        try
        {
            if (GenerationEvents.UpdateOf(kind, type, data) is { } update)
                _updates.Add(update);
        }
        catch (UpstreamException e)
        {
            HasEnded = true;
            Failure = e;
        }
    }
}

/// <summary>
/// Reads runs as the updates of an answer: generations, and runs to which an application appended objects of
/// <see cref="ChatResponseUpdate"/>. Other APIs show a run by its updates alone, so that every replica shows the same.
/// </summary>
internal sealed class RunUpdates(
    TopicFollower follower,
    RunStore runs,
    [FromKeyedServices(StorePool.Reads)] EventReader events,
    ReadGate turns,
    RequestBudget budget
)
{
    /// <summary>Finds a run, or returns null if there is no such run, or if retention has dropped its
    /// beginning.</summary>
    public async Task<RunHead?> FindAsync(RunName name, CancellationToken cancellationToken)
    {
        if (await runs.LogStartAsync(name.Topic, cancellationToken) is not { IsAnnouncement: true } log)
            return null;

        var started =
            name.Kind == GenerationName.Kind
                ? JsonSerializer.Deserialize(log.First.Data, RunJson.Options.TypeOf<GenerationStarted>())
                : null;
        return new RunHead(name, log.At, started?.CreatedAt ?? log.First.Time, started?.Provider, started?.Model);
    }

    /// <summary>Reads a run to its end, and waits for updates that are not stored yet.</summary>
    /// <param name="client">The client whose share of the store's reads this read uses.</param>
    /// <exception cref="UpstreamException">The run has failed.</exception>
    /// <exception cref="StoreUnavailableException">The run cannot be read, but may go on.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> ReadAsync(
        RunHead run,
        string client,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        await foreach (var record in follower.ReadAsync(run.Name.Topic, run.At, client, cancellationToken))
        {
            if (GenerationEvents.UpdateOf(run.Name.Kind, record.Type, record.Data) is { } update)
                yield return update;
            if (GenerationEvents.Ends(run.Name.Kind, record.Type))
                yield break;
        }
    }

    /// <summary>Reads the part of a run that the store has, within the client's turn. Its bytes count as held until
    /// the response ends.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    /// <exception cref="RefusedException">The client holds too many bytes.</exception>
    public async Task<RunSoFar> SoFarAsync(HttpContext context, RunHead run)
    {
        using var turn = await turns.EnterAsync(context);
        return await SoFarAsync(run, context.RequestAborted, budget.Hold(context));
    }

    /// <summary>Reads the part of a run that the store has.</summary>
    /// <param name="run">The run.</param>
    /// <param name="cancellationToken">Ends the read.</param>
    /// <param name="held">Counts the bytes that are read.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    /// <exception cref="RefusedException">The client holds too many bytes.</exception>
    public async Task<RunSoFar> SoFarAsync(RunHead run, CancellationToken cancellationToken, ByteHold? held = null)
    {
        var soFar = new RunSoFar(run.Name.Kind);
        var bytes = 0L;
        await foreach (var record in events.ReadTopicAsync(run.Name.Topic, run.At.Position, cancellationToken))
        {
            held?.Set(bytes += record.Data.Length);
            soFar.Add(record.Type, record.Data);
            if (soFar.HasEnded)
                break;
        }

        return soFar;
    }
}
