// Stands in for the part of Aspire.Hosting.Testing that runs an AppHost's
// own Program. Not affiliated with Microsoft or the .NET Foundation.
using System.Reflection;

namespace Aspire.Hosting.Testing;

/// <summary>Runs an AppHost's entry point up to its Build(), waits there for the test,
/// and hands the application over; Run() is never reached. The builder finds the hook
/// by the flow of execution, so several AppHosts can be tested at once.</summary>
internal sealed class EntryPointHook(
    Assembly appHost,
    string[] args,
    Action<DistributedApplicationOptions, HostApplicationBuilderSettings> configure
)
{
    private static readonly AsyncLocal<EntryPointHook?> Flowing = new();
    private readonly TaskCompletionSource<DistributedApplicationBuilder> _builder = new(
        TaskCreationOptions.RunContinuationsAsynchronously
    );
    private readonly TaskCompletionSource<DistributedApplication> _app = new(
        TaskCreationOptions.RunContinuationsAsynchronously
    );
    private readonly TaskCompletionSource _build = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static EntryPointHook? Current => Flowing.Value;
    public Assembly AppHostAssembly => appHost;

    public Task<DistributedApplicationBuilder> RunToBuildAsync()
    {
        var entryPoint = appHost.EntryPoint ?? throw new InvalidOperationException($"{appHost} has no entry point.");
        var thread = new Thread(() =>
        {
            Flowing.Value = this;
            try
            {
                entryPoint.Invoke(null, entryPoint.GetParameters().Length == 0 ? null : [args]);
                Fail(
                    new InvalidOperationException(
                        $"The entry point of {appHost.GetName().Name} ended without building a distributed application."
                    )
                );
            }
            catch (TargetInvocationException e) when (e.InnerException is not EntryPointEndsHere)
            {
                Fail(e.InnerException ?? e);
            }
            catch (TargetInvocationException)
            {
                // Expected: the test has the application.
            }
        })
        {
            IsBackground = true,
            Name = appHost.GetName().Name,
        };
        thread.Start();
        return _builder.Task;
    }

    public Task<DistributedApplication> BuildAsync()
    {
        _build.TrySetResult();
        return _app.Task;
    }

    public void Abandon() => _build.TrySetException(new EntryPointEndsHere());

    public void Configure(DistributedApplicationOptions options, HostApplicationBuilderSettings settings) =>
        TestingDefaults.Apply(options, settings, args, configure);

    public void Building(DistributedApplicationBuilder builder)
    {
        _builder.TrySetResult(builder);
        _build.Task.GetAwaiter().GetResult();
    }

    public void Built(DistributedApplication app)
    {
        _app.TrySetResult(app);
        throw new EntryPointEndsHere();
    }

    private void Fail(Exception e)
    {
        _builder.TrySetException(e);
        _app.TrySetException(e);
    }

    private sealed class EntryPointEndsHere : Exception;
}
