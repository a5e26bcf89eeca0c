using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace EventStore;

/// <summary>The names of the settings that a library reads in a section below <c>AspireSse</c>.</summary>
internal sealed record KnownSettings(string Section, IReadOnlyList<string> Names);

internal static class KnownSettingsExtensions
{
    /// <summary>Notes what a library reads, for <see cref="AddUnreadNotice"/>.</summary>
    public static void AddKnownSettings<
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)] TOptions
    >(this IServiceCollection services, string section) =>
        services.AddSingleton(
            new KnownSettings(
                $"AspireSse:{section}",
                [.. typeof(TOptions).GetProperties().Select(property => property.Name)]
            )
        );

    /// <summary>Warns at the start of settings below <c>AspireSse</c> that no library of the application reads. Such a
    /// setting is misspelt, because the section belongs to these libraries alone.</summary>
    public static void AddUnreadNotice(this IServiceCollection services) =>
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, UnreadNotice>());

    private sealed class UnreadNotice(
        IEnumerable<KnownSettings> settings,
        IConfiguration configuration,
        ILogger<KnownSettings> logger
    ) : IHostedService
    {
        private const string Root = "AspireSse";

        /// <summary>Sections of services that may share an environment with this one.</summary>
        private static readonly string[] OfOthers = ["EventStore", "Llm", "Pools", "Relay", "Runs"];

        public Task StartAsync(CancellationToken cancellationToken)
        {
            var known = settings.ToLookup(s => s.Section, s => s.Names, StringComparer.OrdinalIgnoreCase);
            // Names below Pools are the application's own: it gives them to WithStreamPool.
            foreach (var section in configuration.GetSection(Root).GetChildren().Where(s => !IsPools(s)))
                if (known.Contains(section.Path))
                    WarnOf(section.GetChildren(), [.. known[section.Path].SelectMany(names => names)]);
                else
                    WarnOf([section], OfOthers);
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

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
