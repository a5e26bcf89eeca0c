using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using EventStore;
using Runs;
using Streaming.Access;

namespace LlmGateway.Generations;

/// <summary>Finds runs by the names that clients give: a chat's id, an agent's thread and run.</summary>
internal sealed class RunThreads(AllRuns runs)
{
    /// <summary>Fewest characters of a random name. AI SDK's random names have 16 characters, each one of 62; a UUID
    /// has 36.</summary>
    private const int RandomLength = 16;

    /// <summary>Returns true for a name that nobody can guess. If nobody has signed in, only such a name is the right
    /// to read.</summary>
    public static bool IsRandom(string name) => name.Length >= RandomLength;

    /// <summary>Returns the id for a client's names, which is the same for the same names of the same owner.</summary>
    /// <param name="owner">The user, or null for an anonymous one.</param>
    /// <param name="names">The dialect's name, and the client's names.</param>
    public static string IdOf(string? owner, params ReadOnlySpan<string> names)
    {
        var text = new StringBuilder();
        // Each name follows its length, so that no name can imitate two names.
        foreach (var name in (ReadOnlySpan<string>)[owner ?? "", .. names])
            text.Append(name.Length).Append(':').Append(name);

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()))[..16]);
    }

    /// <summary>Returns true if the caller may read the run that it names.</summary>
    /// <param name="context">The request.</param>
    /// <param name="access">Decides by the owner of the run.</param>
    /// <param name="name">The run's name in the store.</param>
    /// <param name="run">The run, or null if it has not begun. The caller then counts as its owner, because the id was
    /// made from the caller's user.</param>
    /// <param name="named">The client's name of the run or chat.</param>
    public static ValueTask<bool> MayReadAsync(
        HttpContext context,
        OwnerAccess access,
        RunName name,
        RunHead? run,
        string named
    ) =>
        access.MayReadRunAsync(
            context,
            name.Topic,
            () => Task.FromResult(run is null ? access.OwnerOf(context) : run.Owner),
            namesIt: IsRandom(named)
        );

    /// <summary>Makes a run the latest of a thread; a repeated request changes nothing.</summary>
    /// <param name="thread">See <see cref="IdOf"/>.</param>
    /// <param name="client">The client whose share of the log the event uses.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task AddAsync(string thread, RunName run, string client, CancellationToken cancellationToken) =>
        runs.AppendAsync(
            NameOf(thread),
            client,
            RunEvent.Of("run", new ThreadRun(run.Id)),
            Guid.ParseExact(run.Id, "N"),
            cancellationToken
        );

    /// <summary>Marks a run that has not begun as stopped. The request that begins the run looks for the
    /// mark.</summary>
    /// <inheritdoc cref="AddAsync" path="/param"/>
    /// <inheritdoc cref="AddAsync" path="/exception"/>
    public Task StopAsync(RunName run, string client, CancellationToken cancellationToken) =>
        runs.AppendAsync(StopOf(run), client, RunEvent.Of("stop", new ThreadRun(run.Id)), id: null, cancellationToken);

    /// <summary>Returns true if a run was stopped before it began.</summary>
    public async Task<bool> IsStoppedAsync(RunName run, CancellationToken cancellationToken) =>
        await runs.LastOfLogAsync(StopOf(run), cancellationToken) is not null;

    /// <summary>Returns the latest run of a thread, or null if it has none.</summary>
    public async Task<RunName?> LatestAsync(string thread, CancellationToken cancellationToken) =>
        await runs.LastOfLogAsync(NameOf(thread), cancellationToken) is { } last
            ? GenerationName.Of(JsonSerializer.Deserialize(last.Data, RunJson.Options.TypeOf<ThreadRun>())!.Run)
            : null;

    /// <summary>Returns the name whose log has a thread's runs. It is among the topics of generations, to which only
    /// the gateway publishes.</summary>
    private static RunName NameOf(string thread) => new(GenerationName.Kind, $"thread-{thread}");

    private static RunName StopOf(RunName run) => new(GenerationName.Kind, $"stop-{run.Id}");
}

internal sealed record ThreadRun(string Run);
