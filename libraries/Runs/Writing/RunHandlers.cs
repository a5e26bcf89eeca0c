using System.Text.Json;
using EventStore;
using Runs;

namespace AspireSse;

/// <summary>The work that runs of this application can be started with again, in any of its processes.</summary>
public sealed class RunHandlers
{
    private readonly IServiceCollection _services;

    internal RunHandlers(IServiceCollection services) => _services = services;

    /// <summary>Adds work for <see cref="IRuns.StartAsync{TInput}"/>. It may begin in one process and be started again
    /// in another, so it looks at <see cref="Run.Attempt"/> and <see cref="Run.ReadAsync"/> for what it has done.
    /// </summary>
    /// <param name="name">Stored with each run: a later version of the application must know it while runs go on.
    /// </param>
    /// <param name="work">Gets services from a scope of its own, the run, and the input that the run was started with.
    /// Its token is cancelled as other runs' are.</param>
    /// <exception cref="ArgumentException">There is a handler of this name.</exception>
    public RunHandlers AddHandler<TInput>(
        string name,
        Func<IServiceProvider, Run, TInput, CancellationToken, Task> work
    )
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (_services.Any(service => service.ImplementationInstance is NamedWork handler && handler.Name == name))
            throw new ArgumentException($"There is a handler '{name}' already.", nameof(name));

        _services.AddSingleton(
            new NamedWork(
                name,
                (services, run, input, json, stop) =>
                    work(services, run, JsonSerializer.Deserialize(input, json.TypeOf<TInput>())!, stop)
            )
        );
        return this;
    }
}
