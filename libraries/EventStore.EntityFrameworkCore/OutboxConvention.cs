using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Microsoft.EntityFrameworkCore.Metadata.Conventions;
using Microsoft.EntityFrameworkCore.Metadata.Conventions.Infrastructure;

namespace EventStore.EntityFrameworkCore;

/// <summary>Adds the waiting event to a model once the application has configured its own types. The event has no
/// table, so migrations and <c>EnsureCreated</c> leave the log's schema alone.</summary>
internal sealed class OutboxConvention : IConventionSetPlugin, IModelFinalizingConvention
{
    public ConventionSet ModifyConventions(ConventionSet conventionSet)
    {
        conventionSet.ModelFinalizingConventions.Add(this);
        return conventionSet;
    }

    public void ProcessModelFinalizing(
        IConventionModelBuilder modelBuilder,
        IConventionContext<IConventionModelBuilder> context
    )
    {
        var waiting = modelBuilder.Entity(typeof(OutboxEvent), fromDataAnnotation: true)!;
        var number = waiting.Property(typeof(long), nameof(OutboxEvent.Number), fromDataAnnotation: true)!;
        number.ValueGenerated(ValueGenerated.Never, fromDataAnnotation: true);
        waiting.PrimaryKey([number.Metadata], fromDataAnnotation: true);
        waiting.ToTable((string?)null, fromDataAnnotation: true);
    }
}
