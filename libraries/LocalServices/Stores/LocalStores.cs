using Aspire.Hosting.ApplicationModel;

namespace AspireSse;

/// <summary>Postgres and Redis as connection strings. A resource that waits for one of them starts when its server
/// answers.</summary>
/// <remarks>Needed in an AppHost to give services the stores by <c>WithReference</c> and <c>WaitFor</c>.</remarks>
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
