// Stands in for Aspire.Hosting's DistributedApplication. Not affiliated with Microsoft or the .NET Foundation.
using Aspire.Hosting.Orchestration;

namespace Aspire.Hosting;

/// <summary>Something that the user can put right: the message says what and how.</summary>
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
            // Ctrl+C while starting: not an error; what was started is stopped below.
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
        // A test disposes both the builder and what it built.
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
            return;
        // Also when it was never stopped, or not even started to the end: nothing may be left running.
        await Services.GetRequiredService<Orchestrator>().StopAsync(CancellationToken.None);
        if (host is IAsyncDisposable disposable)
            await disposable.DisposeAsync();
        else
            host.Dispose();
        GC.SuppressFinalize(this);
    }
}
