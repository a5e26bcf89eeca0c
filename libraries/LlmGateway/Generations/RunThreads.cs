using System.Security.Cryptography;
using System.Text;
using EventStore;
using Runs;
using Streaming.Access;

namespace LlmGateway.Generations;

/// <summary>Finds runs by the names that clients give: a chat's id, an agent's thread and run.</summary>
internal sealed class RunThreads(RunStore runs, RunAppender appender)
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
    /// <param name="named">The client's name of the run or chat.</param>
    public static ValueTask<bool> MayReadAsync(HttpContext context, OwnerAccess access, RunName name, string named) =>
        access.MayReadRunAsync(
            context,
            name.Topic,
            // Also of a run that has not begun: its id was made from the caller's user.
            () => Task.FromResult(access.OwnerOf(context)),
            namesIt: IsRandom(named)
        );

    /// <summary>Makes a run the latest of a thread; a repeated request changes nothing.</summary>
    /// <param name="thread">See <see cref="IdOf"/>.</param>
    /// <param name="client">The client whose share of the log the event uses.</param>
    /// <exception cref="StoreUnavailableException">Postgres does not answer.</exception>
    public Task AddAsync(string thread, RunName run, string client, CancellationToken cancellationToken) =>
        appender.AppendToLogAsync(
            NameOf(thread),
            client,
            RunEvent.Of("run", new ThreadRun(run.Id)),
            Guid.ParseExact(run.Id, "N"),
            cancellationToken
        );

    /// <summary>Returns the ids of a thread's newest runs, newest first, also of those that have not begun. A stop has
    /// no id.</summary>
    public Task<IReadOnlyList<(string Id, bool IsRunning)>> RunsAsync(
        string thread,
        CancellationToken cancellationToken
    ) => runs.NamedAsync(NameOf(thread).Log, GenerationName.Kind, cancellationToken);

    /// <summary>Cancels all runs of a thread but the latest. A run that begins after a newer one, or after a stop, so
    /// cancels itself.</summary>
    /// <param name="thread">See <see cref="IdOf"/>.</param>
    /// <inheritdoc cref="AddAsync" path="/exception"/>
    public async Task CancelFormerAsync(string thread)
    {
        foreach (var (former, isRunning) in (await RunsAsync(thread, CancellationToken.None)).Skip(1))
            if (isRunning)
                await runs.CancelAsync(TopicOf(former), CancellationToken.None);
    }

    /// <summary>Cancels all runs of a thread, and waits up to two seconds for their end.</summary>
    /// <inheritdoc cref="AddAsync" path="/param"/>
    /// <inheritdoc cref="AddAsync" path="/exception"/>
    public async Task StopAsync(string thread, string client, TimeProvider clock, CancellationToken cancellationToken)
    {
        var all = await RunsAsync(thread, cancellationToken);
        if (all is [(_, false), ..])
        {
            // The latest run may not have begun. The stop is stored before the cancel, so that one of the two finds it.
            var stop = RunEvent.Of("stop", new ThreadRun(""));
            await appender.AppendToLogAsync(NameOf(thread), client, stop, id: null, cancellationToken);
            all = await RunsAsync(thread, cancellationToken);
        }

        await Task.WhenAll(
            all.Where(named => named.IsRunning)
                .Select(named => runs.CancelAndWaitAsync(TopicOf(named.Id), clock, cancellationToken))
        );
    }

    private static string TopicOf(string id) => new RunName(GenerationName.Kind, id).Topic;

    /// <summary>Returns the name whose log has a thread's runs. It is among the topics of generations, to which only
    /// the gateway publishes.</summary>
    private static RunName NameOf(string thread) => new(GenerationName.Kind, $"thread-{thread}");
}

internal sealed record ThreadRun(string Run);
