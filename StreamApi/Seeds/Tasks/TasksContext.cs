using Microsoft.EntityFrameworkCore;
using StreamApi.Seeds.Storage;

namespace StreamApi.Seeds.Tasks;

internal sealed class TasksContext(DbContextOptions<TasksContext> options) : EventContext(options, SchemaName)
{
    public const string SchemaName = "tasks";

    public DbSet<TaskItem> Tasks => Set<TaskItem>();

    protected override void OnModelCreating(ModelBuilder model)
    {
        base.OnModelCreating(model);
        model.Entity<TaskItem>(task =>
        {
            task.ToTable("tasks").HasKey(t => t.Id);
            task.Property(t => t.Id).HasColumnName("id");
            task.Property(t => t.Title).HasColumnName("title");
            task.Property(t => t.Status).HasColumnName("status");
            task.Property(t => t.CreatedAt).HasColumnName("created_at");
            task.Property(t => t.UpdatedAt).HasColumnName("updated_at");
        });
    }
}

internal sealed class TaskItem
{
    public required Guid Id { get; init; }
    public required string Title { get; init; }
    public required string Status { get; set; }
    public required DateTime CreatedAt { get; init; }
    public required DateTime UpdatedAt { get; set; }
}
