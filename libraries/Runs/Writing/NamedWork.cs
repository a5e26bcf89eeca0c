using System.Text.Json;

namespace Runs;

/// <param name="Work">Gets the run's input as JSON, and the options to deserialize the input.</param>
internal sealed record NamedWork(
    string Name,
    Func<IServiceProvider, Run, string, JsonSerializerOptions, CancellationToken, Task> Work
);
