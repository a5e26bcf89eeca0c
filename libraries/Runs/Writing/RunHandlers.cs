using System.Text.Json;

namespace AspireSse;

/// <summary>The registered work that any process of the application can start again for a run.</summary>
/// <remarks>Needed to register work that another process starts again when its own is lost.</remarks>
public sealed class RunHandlers
{
    private readonly IServiceCollection _services;

    internal RunHandlers(IServiceCollection services) => _services = services;

    /// <summary>Adds work for <see cref="IRuns.StartAsync{TInput}"/>. The work may begin in one process and be started
    /// again in another, so it checks <see cref="Run.Attempt"/> and <see cref="Run.ReadAsync"/> for its earlier
    /// progress.</summary>
    /// <param name="name">The handler's name, stored with each run. A later version of the application must keep the
    /// name while such runs go on.</param>
    /// <param name="work">Gets services from a scope of its own, the run, and the run's input. Its token is cancelled
    /// like that of other runs.</param>
    /// <exception cref="ArgumentException">There is a handler of this name already.</exception>
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

/// <param name="Work">Gets the run's input as JSON, and the options to deserialize the input.</param>
internal sealed record NamedWork(
    string Name,
    Func<IServiceProvider, Run, string, JsonSerializerOptions, CancellationToken, Task> Work
);
