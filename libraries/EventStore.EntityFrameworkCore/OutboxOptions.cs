using Microsoft.EntityFrameworkCore.ChangeTracking.Internal;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Storage;
using Microsoft.EntityFrameworkCore.Update;
using Microsoft.Extensions.DependencyInjection;

#pragma warning disable EF1001 // See EventOnlyStateManager.

namespace EventStore.EntityFrameworkCore;

/// <summary>Makes a context's saves write its events, outside its model: rules that the application sets for all types,
/// such as filters, tenants and audits, do not apply to events.</summary>
internal sealed class OutboxOptions : IDbContextOptionsExtension
{
    public OutboxOptions() => Info = new OutboxInfo(this);

    public DbContextOptionsExtensionInfo Info { get; }

    public void ApplyServices(IServiceCollection services)
    {
        services.AddScoped<IBatchExecutor, OutboxWriter>();
        services.AddScoped<IExecutionStrategyFactory, RepeatablePublishes>();
        services.AddScoped<IStateManager, EventOnlyStateManager>();
    }

    public void Validate(IDbContextOptions options) { }

    private sealed class OutboxInfo(IDbContextOptionsExtension extension) : DbContextOptionsExtensionInfo(extension)
    {
        public override bool IsDatabaseProvider => false;

        public override string LogFragment => "using the event log's outbox ";

        public override int GetServiceProviderHashCode() => 0;

        public override bool ShouldUseSameServiceProvider(DbContextOptionsExtensionInfo other) => other is OutboxInfo;

        public override void PopulateDebugInfo(IDictionary<string, string> debugInfo) => debugInfo["Sse:Outbox"] = "1";
    }
}
