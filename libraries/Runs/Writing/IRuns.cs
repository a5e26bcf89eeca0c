namespace AspireSse;

/// <summary>Starts and cancels runs: work that outlives its request, and whose events clients read as a stream
/// (<see cref="Microsoft.AspNetCore.Http.RunStreamExtensions"/>). Thread-safe.</summary>
/// <remarks>Needed to begin work that outlives its request, and to cancel it.</remarks>
public interface IRuns
{
    /// <summary>Starts work in the background of this process and returns true, or returns false if this topic already
    /// had a run.</summary>
    /// <param name="topic">Such as <c>$"answers.{id}"</c>: two tokens or more, the last not <c>log</c>. Only the run
    /// may append to it.</param>
    /// <param name="work">Appends the events of the run. The run ends with an event <c>end</c> when the work returns,
    /// and with an <c>error</c> if the work throws, is cancelled, or its process dies.</param>
    /// <param name="cancellationToken">Ends the wait; the run may start nevertheless.</param>
    /// <exception cref="ArgumentException">A run cannot have this topic.</exception>
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

    /// <summary>Starts the work of a registered handler, like <see cref="StartAsync(EventTopic, Func{Run,
    /// CancellationToken, Task}, CancellationToken)"/>. If its process is lost, the run does not end: another process
    /// with this handler, or this one after its restart, starts the work again with the same input.</summary>
    /// <param name="topic">The run's topic, with the rules of other runs' topics.</param>
    /// <param name="handler">The handler's name, as given to <see cref="RunHandlers.AddHandler"/>.</param>
    /// <param name="input">The handler's input, stored as JSON until the run ends.</param>
    /// <param name="cancellationToken">Ends the wait; the run may start nevertheless.</param>
    /// <exception cref="ArgumentException">A run cannot have this topic, or there is no such handler.</exception>
    /// <exception cref="StoreUnavailableException">Postgres does not answer; a retry is safe.</exception>
    Task<bool> StartAsync<TInput>(
        EventTopic topic,
        string handler,
        TInput input,
        CancellationToken cancellationToken = default
    );
#pragma warning restore RS0026

    /// <summary>Asks a run to stop, whichever process does its work, so that its stream ends with an <c>error</c> whose
    /// reason is <c>cancelled</c>. Returns false if no run of this topic is running.</summary>
    /// <exception cref="StoreUnavailableException">Postgres does not answer; a retry is safe.</exception>
    Task<bool> CancelAsync(EventTopic topic, CancellationToken cancellationToken = default);
}
