// Stands in for Aspire.Hosting's DistributedApplication. Not affiliated with Microsoft or the .NET Foundation.
using Aspire.Hosting.Orchestration;

namespace Aspire.Hosting;

/// <summary>A failure that the user can fix; the message says what happened and how to fix it.</summary>
public class DistributedApplicationException : Exception
{
    public DistributedApplicationException(string message)
        : base(message) { }

    public DistributedApplicationException(string message, Exception inner)
        : base(message, inner) { }
}

public class DistributedApplication(IHost host) : IHost, IAsyncDisposable
{
    private int _disposed;

    public static IDistributedApplicationBuilder CreateBuilder() => CreateBuilder([]);

    public static IDistributedApplicationBuilder CreateBuilder(string[] args) =>
        new DistributedApplicationBuilder(args);

    public static IDistributedApplicationBuilder CreateBuilder(DistributedApplicationOptions options) =>
        new DistributedApplicationBuilder(options);

    public IServiceProvider Services => host.Services;
    public ResourceNotificationService ResourceNotifications =>
        Services.GetRequiredService<ResourceNotificationService>();
    public ResourceCommandService ResourceCommands => Services.GetRequiredService<ResourceCommandService>();

    public virtual Task StartAsync(CancellationToken cancellationToken = default) => host.StartAsync(cancellationToken);

    public virtual Task StopAsync(CancellationToken cancellationToken = default) => host.StopAsync(cancellationToken);

    public void Run() => RunAsync().GetAwaiter().GetResult();

    public virtual async Task RunAsync(CancellationToken cancellationToken = default)
    {
        var stopping = Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        try
        {
            await host.StartAsync(cancellationToken);
            await host.WaitForShutdownAsync(cancellationToken);
        }
        catch (OperationCanceledException)
            when (stopping.IsCancellationRequested || cancellationToken.IsCancellationRequested)
        {
            // Ctrl+C during the start is not an error; the finally block below stops the started resources.
        }
        catch (DistributedApplicationException e)
        {
            await Console.Error.WriteLineAsync($"error: {e.Message}");
            Environment.ExitCode = 1;
        }
        finally
        {
            await DisposeAsync();
        }
    }

    public virtual void Dispose()
    {
        DisposeAsync().AsTask().GetAwaiter().GetResult();
        GC.SuppressFinalize(this);
    }

    public virtual async ValueTask DisposeAsync()
    {
        // A test disposes both the builder and the application.
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
            return;
        // Stops everything even after a start that failed halfway, so that no process is left running.
        await Services.GetRequiredService<Orchestrator>().StopAsync(CancellationToken.None);
        if (host is IAsyncDisposable disposable)
            await disposable.DisposeAsync();
        else
            host.Dispose();
        GC.SuppressFinalize(this);
    }
}
