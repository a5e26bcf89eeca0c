using Aspire.Hosting.ApplicationModel;

namespace AspireSse;

/// <summary>The two stores as connection strings. Waiting for one waits until its server answers.</summary>
public sealed class LocalStores
{
    internal LocalStores(
        IResourceBuilder<IResourceWithConnectionString> eventStore,
        IResourceBuilder<IResourceWithConnectionString> redis,
        string remedy
    )
    {
        EventStore = eventStore;
        Redis = redis;
        Remedy = remedy;
    }

    /// <summary>Postgres, with the database <c>eventstore</c>.</summary>
    public IResourceBuilder<IResourceWithConnectionString> EventStore { get; }

    /// <summary>Redis.</summary>
    public IResourceBuilder<IResourceWithConnectionString> Redis { get; }

    /// <summary>The advice when Postgres refuses the services.</summary>
    internal string Remedy { get; }
}
