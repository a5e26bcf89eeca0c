using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using StreamApi.Seeds.Petstore;
using StreamApi.Seeds.Resilient;
using StreamApi.Seeds.Tasks;

namespace StreamApi.Seeds.Storage;

/// <summary>The tables of the seeds. A change commits together with the events that it publishes.</summary>
internal sealed class SeedsContext(DbContextOptions<SeedsContext> options) : DbContext(options)
{
    public const string Schema = "seeds";

    /// <summary>Ended with the context: the turn of the row that it changes.</summary>
    public IDisposable? Turn { get; set; }

    public DbSet<TaskItem> Tasks => Set<TaskItem>();
    public DbSet<Session> Sessions => Set<Session>();
    public DbSet<Pet> Pets => Set<Pet>();
    public DbSet<Order> Orders => Set<Order>();

    /// <summary>Returns the time by Postgres's clock, which all replicas share, in whole milliseconds.</summary>
    public async Task<DateTimeOffset> NowAsync() =>
        (
            await Database
                .SqlQuery<DateTimeOffset>($"""select clock_timestamp() as "Value" """)
                .SingleAsync(CancellationToken.None)
        ).WholeMilliseconds();

    public override async ValueTask DisposeAsync()
    {
        using var ended = Turn;
        await base.DisposeAsync();
    }

    protected override void OnModelCreating(ModelBuilder model)
    {
        model.HasDefaultSchema(Schema);
        foreach (var entity in model.Model.GetEntityTypes().Where(entity => entity.GetSchema() == Schema))
        {
            entity.SetTableName(NameOf(entity.GetTableName()!));
            foreach (var property in entity.GetProperties())
                property.SetColumnName(NameOf(property.Name));
        }
    }

    private static string NameOf(string member) => JsonNamingPolicy.SnakeCaseLower.ConvertName(member);
}
