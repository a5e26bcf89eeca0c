using System.ComponentModel.DataAnnotations;
using System.ComponentModel.DataAnnotations.Schema;

namespace EventStore.EntityFrameworkCore;

/// <summary>A row of the outbox. Its number is the database's, in the order in which rows are added.</summary>
[Table("outbox", Schema = "eventstore")]
internal sealed class OutboxEvent
{
    [Key, Column("ordinal"), DatabaseGenerated(DatabaseGeneratedOption.Identity)]
    public long Ordinal { get; set; }

    [Column("id")]
    public Guid Id { get; set; }

    [Column("topic")]
    public string Topic { get; set; } = "";

    [Column("type")]
    public string Type { get; set; } = "";

    [Column("key")]
    public string? Key { get; set; }

    [Column("data")]
    public string Data { get; set; } = "";

    [Column("traceparent")]
    public string? TraceParent { get; set; }
}
