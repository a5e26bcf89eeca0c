using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Microsoft.EntityFrameworkCore.Metadata.Conventions;
using Microsoft.EntityFrameworkCore.Metadata.Conventions.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace EventStore.EntityFrameworkCore;

/// <summary>Adds the outbox to a context's model, but not to its migrations: the event store has its own.</summary>
internal sealed class OutboxOptions : IDbContextOptionsExtension
{
    public OutboxOptions() => Info = new OutboxInfo(this);

    public DbContextOptionsExtensionInfo Info { get; }

    public void ApplyServices(IServiceCollection services) => services.AddScoped<IConventionSetPlugin, OutboxPlugin>();

    public void Validate(IDbContextOptions options) { }

    private sealed class OutboxInfo(IDbContextOptionsExtension extension) : DbContextOptionsExtensionInfo(extension)
    {
        public override bool IsDatabaseProvider => false;

        public override string LogFragment => "using the event log's outbox ";

        public override int GetServiceProviderHashCode() => 0;

        public override bool ShouldUseSameServiceProvider(DbContextOptionsExtensionInfo other) => other is OutboxInfo;

        public override void PopulateDebugInfo(IDictionary<string, string> debugInfo) => debugInfo["Sse:Outbox"] = "1";
    }

    private sealed class OutboxPlugin : IConventionSetPlugin
    {
        public ConventionSet ModifyConventions(ConventionSet conventionSet)
        {
            conventionSet.Add(new OutboxConvention());
            return conventionSet;
        }
    }

    private sealed class OutboxConvention : IModelInitializedConvention
    {
        public void ProcessModelInitialized(
            IConventionModelBuilder modelBuilder,
            IConventionContext<IConventionModelBuilder> context
        ) =>
            modelBuilder
                .Entity(typeof(OutboxEvent), fromDataAnnotation: true)
                ?.Metadata.SetIsTableExcludedFromMigrations(true);
    }
}
