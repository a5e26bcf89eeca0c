using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStore;

/// <summary>Settings of a section below <c>AspireSse</c>, and the common name, such as <c>Runs</c>, by which the
/// version before read them. Remove that name with the next version.</summary>
internal sealed record FormerSection(string Name, string Section, IReadOnlyList<string> Settings);

internal static class FormerSectionExtensions
{
    /// <summary>Warns at the start of settings that only the former section has. They are not read, because the former
    /// section may be the application's own.</summary>
    public static void AddFormerSection<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] TOptions
    >(this IServiceCollection services, string name) =>
        services.AddFormerSettings(name, name, [.. typeof(TOptions).GetProperties().Select(property => property.Name)]);

    /// <inheritdoc cref="AddFormerSection"/>
    /// <param name="name">The former section.</param>
    /// <param name="section">The section below <c>AspireSse</c>.</param>
    /// <param name="settings">The names of the settings in both.</param>
    public static void AddFormerSettings(
        this IServiceCollection services,
        string name,
        string section,
        params string[] settings
    )
    {
        services.AddSingleton(new FormerSection(name, $"AspireSse:{section}", settings));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, FormerNotice>());
    }

    /// <summary>Warns at the start of settings below <c>AspireSse</c> that no library of the application reads. Such a
    /// setting is misspelt, because the section belongs to these libraries alone.</summary>
    public static void AddUnreadNotice(this IServiceCollection services) =>
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, UnreadNotice>());

    private abstract class Notice(IConfiguration configuration) : IHostedService
    {
        protected IConfiguration Configuration => configuration;

        public Task StartAsync(CancellationToken cancellationToken)
        {
            Warn();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        protected abstract void Warn();

        protected bool Has(string setting) => configuration.GetSection(setting).Exists();
    }

    private sealed class FormerNotice(
        IEnumerable<FormerSection> sections,
        IConfiguration configuration,
        ILogger<FormerSection> logger
    ) : Notice(configuration)
    {
        protected override void Warn()
        {
            foreach (var section in sections)
            foreach (var setting in section.Settings)
                if (Has($"{section.Name}:{setting}") && !Has($"{section.Section}:{setting}"))
                    logger.LogWarning(
                        "{OldName} is not read any more: its name is {Name}. Ignore this if {Section} is a section of "
                            + "the application's own.",
                        $"{section.Name}:{setting}",
                        $"{section.Section}:{setting}",
                        section.Name
                    );
        }
    }

    private sealed class UnreadNotice(
        IEnumerable<FormerSection> sections,
        IConfiguration configuration,
        ILogger<FormerSection> logger
    ) : Notice(configuration)
    {
        private const string Root = "AspireSse";

        /// <summary>Sections of services that may share an environment with this one.</summary>
        private static readonly string[] OfOthers = ["EventStore", "Llm", "Pools", "Relay", "Runs"];

        protected override void Warn()
        {
            var known = sections.ToLookup(s => s.Section, s => s.Settings, StringComparer.OrdinalIgnoreCase);
            // Names below Pools are the application's own: it gives them to WithStreamPool.
            foreach (var section in Configuration.GetSection(Root).GetChildren().Where(s => !IsPools(s)))
                if (known.Contains(section.Path))
                    WarnOf(section.GetChildren(), [.. known[section.Path].SelectMany(settings => settings)]);
                else
                    WarnOf([section], OfOthers);
        }

        private static bool IsPools(IConfigurationSection section) =>
            section.Key.Equals("Pools", StringComparison.OrdinalIgnoreCase);

        private void WarnOf(IEnumerable<IConfigurationSection> found, string[] known)
        {
            foreach (var setting in found.Where(s => !known.Contains(s.Key, StringComparer.OrdinalIgnoreCase)))
                logger.LogWarning(
                    "{Setting} is not read by this application. Names there are {Known}.",
                    setting.Path,
                    string.Join(", ", known.Distinct())
                );
        }
    }
}
