using System.Reflection;
using EventStore;
using LlmGateway;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using StreamApi.Events;
using StreamApi.Memory;
using StreamApi.Replicas;
using StreamApi.Security;
using StreamApi.Security.Limits;
using StreamApi.Seeds.Petstore;
using StreamApi.Seeds.Resilient;
using StreamApi.Seeds.Tasks;

namespace Harness.Worlds;

/// <summary>Constants of the services that a test makes smaller, named as if they were options
/// (<c>AspireSse:Streaming:RingEvents</c>). Only services within the test's process can have them.</summary>
internal static class Constants
{
    private static readonly ISection[] Sections =
    [
        new Section<EventStoreOptions>("AspireSse:EventStore"),
        new Section<EventsOptions>("Events"),
        new Section<HeapOptions>("Heap"),
        new Section<LimitOptions>("Limits"),
        new Section<LlmOptions>("AspireSse:Llm"),
        new Section<LeaderOptions>("AspireSse:Relay"),
        new Section<PetstoreOptions>("Petstore"),
        new Section<RelayOptions>("AspireSse:Relay"),
        new Section<ReplicaOptions>("Replicas"),
        new Section<ResilientOptions>("Resilient"),
        new Section<RunOptions>("AspireSse:Runs"),
        new Section<SecurityOptions>("Security"),
        new Section<SseOptions>("AspireSse:Streaming"),
        new Section<TasksOptions>("Tasks"),
    ];

    private interface ISection
    {
        bool Has(string key);

        void Set(IServiceCollection services, IConfiguration constants);
    }

    /// <summary>Returns true if no key of the configuration sets this.</summary>
    public static bool Has(string key) => Sections.Any(section => section.Has(key));

    /// <summary>Sets the constants among some settings.</summary>
    public static void SetConstants(
        this IServiceCollection services,
        IEnumerable<KeyValuePair<string, string?>> settings
    )
    {
        var constants = new ConfigurationBuilder().AddInMemoryCollection(settings.Where(s => Has(s.Key))).Build();
        foreach (var section in Sections)
            section.Set(services, constants);
    }

    private sealed class Section<T>(string name) : ISection
        where T : class
    {
        public bool Has(string key) =>
            key.StartsWith(name + ":", StringComparison.Ordinal) && Has(typeof(T), key[(name.Length + 1)..].Split(':'));

        private static bool Has(Type type, ReadOnlySpan<string> path) =>
            path.Length == 1
                ? type.GetProperty(path[0], BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
                    is { SetMethod.IsPublic: false }
                : type.GetProperty(path[0])?.PropertyType is { } inner && Has(inner, path[1..]);

        public void Set(IServiceCollection services, IConfiguration constants) =>
            services.Configure<T>(options =>
                constants.GetSection(name).Bind(options, binder => binder.BindNonPublicProperties = true)
            );
    }
}
