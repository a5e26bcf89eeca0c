using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Microsoft.Extensions.Hosting;

/// <summary>Settings whose names have changed.</summary>
public static class OldOptionNames
{
    /// <summary>Reads settings by their old names too, and warns of each at the start. A setting by its new name
    /// wins. Call it before anything reads the configuration.</summary>
    /// <param name="names">The new name by the old one, each of a section (<c>Relay</c>) or of a single setting
    /// (<c>Llm:DrainSeconds</c>), which counts before its section.</param>
    public static void ReadOldNames(
        this IHostApplicationBuilder builder,
        IReadOnlyCollection<KeyValuePair<string, string>> names
    )
    {
        var settings = new Dictionary<string, string?>();
        var warnings = new List<string>();

        foreach (var (key, value) in builder.Configuration.AsEnumerable().Where(setting => setting.Value is not null))
        {
            var name = names
                .Where(name => IsOf(name.Key, key))
                .OrderByDescending(name => name.Key.Length)
                .Select(name => name.Value + key[name.Key.Length..])
                .FirstOrDefault();
            if (name is null)
                continue;

            warnings.Add($"{key} is an old name, which the next version does not read. Set {name} instead.");
            if (builder.Configuration[name] is null)
                settings[name] = value;
        }

        if (warnings.Count == 0)
            return;

        builder.Configuration.AddInMemoryCollection(settings);
        builder.Services.AddHostedService(services => new Notice(
            warnings,
            services.GetRequiredService<ILogger<Notice>>()
        ));
    }

    /// <summary>Returns true for the single setting of that name, and for what is below the section of that name. A
    /// value of a section itself is a variable that happens to have the name.</summary>
    private static bool IsOf(string name, string key) =>
        key.StartsWith(name, StringComparison.OrdinalIgnoreCase)
        && (key.Length == name.Length ? name.Contains(':', StringComparison.Ordinal) : key[name.Length] == ':');

    private sealed class Notice(IReadOnlyList<string> warnings, ILogger<Notice> logger) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            foreach (var warning in warnings)
                logger.LogWarning("{Warning}", warning);
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
