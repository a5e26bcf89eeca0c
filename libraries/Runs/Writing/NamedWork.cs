using System.Text.Json;

namespace Runs;

/// <param name="Work">Gets its input as JSON, and the options to read it.</param>
internal sealed record NamedWork(
    string Name,
    Func<IServiceProvider, Run, string, JsonSerializerOptions, CancellationToken, Task> Work
);
