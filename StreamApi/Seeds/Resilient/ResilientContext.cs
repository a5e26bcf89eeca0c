using Microsoft.EntityFrameworkCore;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Resilient;

/// <summary>The sessions and how their sources do.</summary>
internal sealed class ResilientContext(DbContextOptions<ResilientContext> options) : EventContext(options, SchemaName)
{
    public const string SchemaName = "resilient";

    public DbSet<Session> Sessions => Set<Session>();

    protected override void OnModelCreating(ModelBuilder model)
    {
        base.OnModelCreating(model);
        model.Entity<Session>(session =>
        {
            session.ToTable("sessions").HasKey(s => s.Id);
            session.Property(s => s.Id).HasColumnName("id");
            session.Property(s => s.NextId).HasColumnName("next_id");
            session.Property(s => s.RetryCount).HasColumnName("retry_count");
            session.Property(s => s.FailuresLeft).HasColumnName("failures_left");
            session.Property(s => s.SeenAt).HasColumnName("seen_at");
            session.Property(s => s.NextAt).HasColumnName("next_at");
            session.Property(s => s.Failed).HasColumnName("failed");
        });
    }
}

/// <summary>One session: one source, however many readers on however many replicas.</summary>
internal sealed class Session
{
    public required string Id { get; init; }

    /// <summary>The ordinal of its next message.</summary>
    public long NextId { get; set; }

    /// <summary>Failures in a row.</summary>
    public int RetryCount { get; set; }

    /// <summary>How often the source is made to fail; -1: until it is healed.</summary>
    public int FailuresLeft { get; set; }

    /// <summary>When a replica last had a reader of it.</summary>
    public DateTimeOffset SeenAt { get; set; }

    /// <summary>When the source is read next; null while it stands still.</summary>
    public DateTimeOffset? NextAt { get; set; }

    /// <summary>It was given up: a fatal error was sent. Only a reader without a last id starts it again.</summary>
    public bool Failed { get; set; }

    public static string Topic(string id) => $"sse.resilient.{id}";

    /// <summary>Retries and fatal errors, apart from the messages: those are counted.</summary>
    public static string ControlTopic(string id) => $"sse.resilient.{id}.control";
}
