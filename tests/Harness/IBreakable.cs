namespace Harness;

/// <summary>A program that can be killed, frozen and started again unchanged.</summary>
internal interface IBreakable
{
    void Kill();

    /// <summary>Asks for a clean end: SIGTERM, or SIGINT for Postgres.</summary>
    void Terminate();

    void Freeze();

    void Thaw();

    Task WaitForEndAsync(CancellationToken cancellationToken);

    /// <summary>Starts the program, unless it runs, and waits until it answers.</summary>
    Task StartAsync(CancellationToken cancellationToken);
}
