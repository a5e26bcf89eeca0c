using System.Diagnostics.CodeAnalysis;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata.Conventions.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace EventStore.EntityFrameworkCore;

/// <summary>Makes a context track its events beside its changes, and its saves write them.</summary>
internal sealed class OutboxOptions : IDbContextOptionsExtension
{
    public OutboxOptions() => Info = new OutboxInfo(this);

    public DbContextOptionsExtensionInfo Info { get; }

    public void ApplyServices(IServiceCollection services)
    {
        services.AddScoped<WaitingEvents>();
        services.AddScoped<IResettableService>(provider => provider.GetRequiredService<WaitingEvents>());
        services.AddScoped<IInterceptor>(provider => provider.GetRequiredService<WaitingEvents>());
        services.AddSingleton<IConventionSetPlugin, OutboxConvention>();

        var strategies = Registered<IExecutionStrategyFactory>(services, typeof(RelationalExecutionStrategyFactory));
        services.AddScoped<IExecutionStrategyFactory>(provider => new RepeatablePublishes(strategies(provider)));
        var database = Registered<IDatabase>(services, typeof(RelationalDatabase));
        services.AddScoped(provider =>
            provider.GetService<RelationalDatabaseDependencies>() is not null
                ? ActivatorUtilities.CreateInstance<OutboxDatabase>(provider)
                : database(provider)
        );
    }

    public void Validate(IDbContextOptions options) { }

    /// <summary>Returns a way to make the service of the database's provider, or the relational one if the provider
    /// follows in the context's options.</summary>
    private static Func<IServiceProvider, T> Registered<T>(
        IServiceCollection services,
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] Type relational
    )
    {
        var registered = services.LastOrDefault(service => service.ServiceType == typeof(T));
        return registered?.ImplementationFactory is { } make
            ? provider => (T)make(provider)
            : provider => (T)ActivatorUtilities.CreateInstance(provider, registered?.ImplementationType ?? relational);
    }

    private sealed class OutboxInfo(IDbContextOptionsExtension extension) : DbContextOptionsExtensionInfo(extension)
    {
        public override bool IsDatabaseProvider => false;

        public override string LogFragment => "using the event log's outbox ";

        public override int GetServiceProviderHashCode() => 0;

        public override bool ShouldUseSameServiceProvider(DbContextOptionsExtensionInfo other) => other is OutboxInfo;

        public override void PopulateDebugInfo(IDictionary<string, string> debugInfo) => debugInfo["Sse:Outbox"] = "1";
    }
}
