using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using EventStore;
using LlmGateway.Providers;
using Microsoft.Extensions.AI;
using Runs;
using Streaming.Replay;
using Streaming.Requests;

namespace LlmGateway.Generations;

/// <summary>The part of a run that the store has.</summary>
/// <param name="Updates">The updates so far.</param>
/// <param name="At">Position of the last read event; <see cref="RunUpdates.ReadAsync"/> goes on after it.</param>
/// <param name="HasEnded">True if no more updates follow.</param>
/// <param name="Failure">The failure of the run, or null if it has not failed.</param>
internal sealed record RunSoFar(
    IReadOnlyList<ChatResponseUpdate> Updates,
    StreamPosition At,
    bool HasEnded,
    UpstreamException? Failure
);

/// <summary>
/// Reads runs as the updates of an answer: generations, and runs to which an application appended objects of
/// <see cref="ChatResponseUpdate"/>. Other APIs show a run by its updates alone, so that every replica shows the same.
/// </summary>
internal sealed class RunUpdates(
    TopicFollower follower,
    AllRuns runs,
    ReadGate turns,
    RequestBudget budget,
    [FromKeyedServices(StorePool.Reads)] EventReader reader
)
{
    /// <summary>Type of the events that are updates, in an application's run. Its other events are the application's
    /// own.</summary>
    public const string Type = "update";

    /// <summary>The JSON of these updates, which does not depend on the application's options.</summary>
    public static JsonTypeInfo<ChatResponseUpdate> Json { get; } =
        new JsonSerializerOptions(AIJsonUtilities.DefaultOptions)
        {
            WriteIndented = false,
        }.TypeOf<ChatResponseUpdate>();

    /// <summary>Finds a run, or returns null if there is no such run, or if retention has dropped its
    /// beginning.</summary>
    public async Task<RunHead?> FindAsync(RunName name, CancellationToken cancellationToken)
    {
        if (
            await runs.LogStartAsync(name, cancellationToken) is not { IsAnnouncement: true } log
            || await runs.FirstOfLogAsync(name, cancellationToken) is not { } announced
        )
            return null;

        var started =
            name.Kind == GenerationName.Kind
                ? JsonSerializer.Deserialize(announced.Data, RunJson.Options.TypeOf<GenerationStarted>())
                : null;
        return new RunHead(
            name,
            log.At,
            started?.CreatedAt ?? announced.Time,
            started?.Provider,
            started?.Model,
            started?.Owner
        );
    }

    /// <summary>Reads a run to its end, and waits for updates that are not stored yet.</summary>
    /// <param name="client">The client whose share of the store's reads this read uses.</param>
    /// <param name="after">Position to go on from, or null for the run's beginning.</param>
    /// <exception cref="UpstreamException">The run has failed.</exception>
    /// <exception cref="StoreUnavailableException">The run cannot be read, but may go on.</exception>
    public async IAsyncEnumerable<ChatResponseUpdate> ReadAsync(
        RunHead run,
        string client,
        StreamPosition? after = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        await foreach (var record in follower.ReadAsync(run.Name.Topic, after ?? run.At, client, cancellationToken))
        {
            if (UpdateOf(run.Name, record) is { } update)
                yield return update;
            if (Ends(run.Name, record.Type))
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
        var updates = new List<ChatResponseUpdate>();
        var bytes = 0L;
        var filter = EventFilter.Of([run.Name.Topic], [], []);
        for (var at = run.At; ; )
        {
            var page = await reader.ReadAsync(at.Position, filter, cancellationToken: cancellationToken);
            at = new StreamPosition(page.Epoch, page.Through);
            held?.Set(bytes += page.Events.Sum(record => (long)record.Data.Length));
            try
            {
                foreach (var record in page.Events)
                {
                    if (UpdateOf(run.Name, record) is { } update)
                        updates.Add(update);
                    if (Ends(run.Name, record.Type))
                        return new RunSoFar(updates, at, HasEnded: true, Failure: null);
                }
            }
            catch (UpstreamException e)
            {
                return new RunSoFar(updates, at, HasEnded: true, e);
            }

            if (page.Through >= page.Head)
                return new RunSoFar(updates, at, HasEnded: false, Failure: null);
        }
    }

    private static bool Ends(RunName name, string type) =>
        type == "error" || type == (name.Kind == GenerationName.Kind ? "done" : Run.EndType);

    /// <exception cref="UpstreamException">The run has failed.</exception>
    private static ChatResponseUpdate? UpdateOf(RunName name, EventRecord record)
    {
        if (name.Kind == GenerationName.Kind || record.Type == "error")
            return GenerationEvents.UpdateOf(record.Type, record.Data);

        try
        {
            if (record.Type != Type || JsonSerializer.Deserialize(record.Data.Span, Json) is not { } update)
                return null;

            update.Contents =
            [
                .. update.Contents.Select(content =>
                    ProviderFailure.Read(content, "The answer is incomplete: its model failed.")
                ),
            ];
            return update;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException)
        {
            // The event is one of the application's own.
            return null;
        }
    }
}
