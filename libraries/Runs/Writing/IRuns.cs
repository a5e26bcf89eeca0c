namespace AspireSse;

/// <summary>Starts and cancels runs: work that outlives its request, and whose events clients read as a stream
/// (<see cref="Microsoft.AspNetCore.Http.RunStreamExtensions"/>). Thread-safe.</summary>
public interface IRuns
{
    /// <summary>Starts work in the background of this process and returns true, or false if there was a run of this
    /// topic before.</summary>
    /// <param name="topic">Such as <c>$"answers.{id}"</c>: two tokens or more, the last not <c>log</c>. Only the run
    /// may append to it.</param>
    /// <param name="work">Appends the events of the run. When it returns, the run ends with an event <c>end</c>; if it
    /// throws, is cancelled, or its process dies, with an <c>error</c>.</param>
    /// <param name="cancellationToken">Ends the wait; the run may start nevertheless.</param>
    /// <exception cref="ArgumentException">It can be no run's topic.</exception>
    /// <exception cref="StoreUnavailableException">Postgres does not answer; a retry is safe.</exception>
    /// <remarks>The work must not use services of the request's scope, which end with it. Its token is cancelled by
    /// <see cref="CancelAsync"/>, and some seconds after the shutdown has begun
    /// (<c>AspireSse:Runs:DrainSeconds</c>).</remarks>
#pragma warning disable RS0026 // A token is optional everywhere, and the two differ by what comes before it.
    Task<bool> StartAsync(
        EventTopic topic,
        Func<Run, CancellationToken, Task> work,
        CancellationToken cancellationToken = default
    );

    /// <summary>Starts a registered handler's work as <see cref="StartAsync(EventTopic, Func{Run, CancellationToken,
    /// Task}, CancellationToken)"/> does its work, but a run whose process is lost does not end: another process with
    /// this handler, or this one after its restart, starts it again, with the input and what the run has.</summary>
    /// <param name="topic">As of other runs.</param>
    /// <param name="handler">The name of <see cref="RunHandlers.AddHandler"/>.</param>
    /// <param name="input">What the handler gets. It is stored as JSON until the run ends.</param>
    /// <param name="cancellationToken">Ends the wait; the run may start nevertheless.</param>
    /// <exception cref="ArgumentException">It can be no run's topic, or there is no such handler.</exception>
    /// <exception cref="StoreUnavailableException">Postgres does not answer; a retry is safe.</exception>
    Task<bool> StartAsync<TInput>(
        EventTopic topic,
        string handler,
        TInput input,
        CancellationToken cancellationToken = default
    );
#pragma warning restore RS0026

    /// <summary>Asks a run to stop, in whichever process it works; returns false if none of this topic goes on. Its
    /// stream then ends with an <c>error</c>, whose reason is <c>cancelled</c>.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer; a retry is safe.</exception>
    Task<bool> CancelAsync(EventTopic topic, CancellationToken cancellationToken = default);
}
