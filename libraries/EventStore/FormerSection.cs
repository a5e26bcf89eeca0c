using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStore;

/// <summary>A section that the version before read by a common name, such as <c>Runs</c>, and the settings in it.
/// Remove it with the next version.</summary>
internal sealed record FormerSection(string Name, IReadOnlyList<string> Settings);

internal static class FormerSectionExtensions
{
    /// <summary>Warns at the start of settings that only the former section has. They are not read: the section may be
    /// the application's own.</summary>
    public static void AddFormerSection<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] TOptions
    >(this IServiceCollection services, string name)
    {
        var settings = typeof(TOptions).GetProperties().Select(property => property.Name);
        services.AddSingleton(new FormerSection(name, [.. settings]));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, Notice>());
    }

    private sealed class Notice(
        IEnumerable<FormerSection> sections,
        IConfiguration configuration,
        ILogger<FormerSection> logger
    ) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            foreach (var section in sections)
            foreach (var setting in section.Settings.Select(name => $"{section.Name}:{name}").Where(IsLeft))
                logger.LogWarning(
                    "{OldName} is not read any more: its name is {Name}. Ignore this if {Section} is a section of "
                        + "the application's own.",
                    setting,
                    $"AspireSse:{setting}",
                    section.Name
                );

            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        private bool IsLeft(string setting) =>
            configuration.GetSection(setting).Exists() && !configuration.GetSection($"AspireSse:{setting}").Exists();
    }
}
