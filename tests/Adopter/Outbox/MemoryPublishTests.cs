using System.Transactions;
using Adopter.Databases;
using Microsoft.EntityFrameworkCore;

namespace Adopter.Outbox;

/// <summary>An adopter's tests without the log's Postgres: what a context publishes is in the log in memory once its
/// changes are committed, whatever relational database they are in.</summary>
public sealed class MemoryPublishTests : IDisposable
{
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.db");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => File.Delete(_file);

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Events_are_in_the_log_after_the_commit_and_only_then(bool postgres, bool sync)
    {
        await using var app = await BuildAsync(postgres);
        await using var scope = app.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<NotesDb>();

        // A save's own transaction, and one without changes.
        var note = new Note { Text = "tea" };
        db.Add(note);
        db.Publish(() => $"notes.{note.Id}", "added", () => note);
        await db.SaveAsync(sync);
        db.Publish("notes.1", "alone", 1);
        await db.SaveAsync(sync);
        Assert.Equal(["added", "alone"], await PublishedAsync(app, $"notes.{note.Id}"));

        // The caller's.
        await using (var transaction = await db.Database.BeginTransactionAsync(Stop))
        {
            db.Publish("notes.1", "undone", 1);
            await db.SaveAsync(sync);
            await transaction.RollbackAsync(Stop);
        }

        await using (var transaction = await db.Database.BeginTransactionAsync(Stop))
        {
            db.Publish("notes.1", "one", 1);
            await db.SaveAsync(sync);
            db.Publish("notes.1", "two", 1);
            await db.SaveAsync(sync);
            Assert.Equal(2, (await PublishedAsync(app, "notes.1")).Length);
            await transaction.CommitAsync(Stop);
        }

        // A save that fails keeps its event for the next one.
        var again = new Note { Id = note.Id, Text = "the same number" };
        db.ChangeTracker.Clear();
        db.Add(again);
        db.Publish("notes.1", "kept", 1);
        await Assert.ThrowsAsync<DbUpdateException>(() => db.SaveAsync(sync));
        db.Entry(again).State = EntityState.Detached;
        await db.SaveAsync(sync);

        Assert.Equal(["added", "alone", "one", "two", "kept"], await PublishedAsync(app, "notes.1"));
    }

    [Fact]
    public async Task Events_of_an_ambient_transaction_are_in_the_log_after_it()
    {
        await using var app = await BuildAsync(postgres: true);
        foreach (var completes in (bool[])[false, true])
        {
            await using var scope = app.Services.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<NotesDb>();
            using var ambient = new TransactionScope(TransactionScopeAsyncFlowOption.Enabled);
            db.Publish("notes.1", $"ambient-{completes}", 1);
            await db.SaveChangesAsync(Stop);
            Assert.Empty(await PublishedAsync(app, "notes.1"));
            if (completes)
                ambient.Complete();
        }

        await Eventually.HoldsAsync(
            async () => (await PublishedAsync(app, "notes.1")).Length > 0,
            "the event of the completed transaction is in the log"
        );
        Assert.Equal(["ambient-True"], await PublishedAsync(app, "notes.1"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_change_of_a_factory_publishes_too(bool postgres)
    {
        await using var app = await BuildAsync(postgres);
        await app
            .Services.GetRequiredService<IDbContextFactory<NotesDb>>()
            .ChangeAsync(
                db =>
                {
                    db.Publish("notes.1", "changed", 1);
                    return Task.CompletedTask;
                },
                Stop
            );
        Assert.Equal(["changed"], await PublishedAsync(app, "notes.1"));
    }

    [Fact]
    public async Task Another_database_is_refused_by_the_call_unless_the_log_is_in_memory()
    {
        var options = new DbContextOptionsBuilder<NotesDb>();
        options.UseSqlite($"Data Source={_file}").UseSse();
        await using var db = new NotesDb(options.Options);
        var refused = Assert.Throws<InvalidOperationException>(() => db.Publish("notes.1", "one", 1));
        Assert.Contains("AddInMemoryEventLog", refused.Message, StringComparison.Ordinal);
    }

    private async Task<WebApplication> BuildAsync(bool postgres)
    {
        var builder = WebApplication.CreateBuilder();
        builder.AddInMemoryEventLog();
        var database = postgres ? await DatabaseQuestions.CreateDatabaseAsync() : $"Data Source={_file};Pooling=False";
        builder.Services.AddDbContextFactory<NotesDb>(options =>
            (postgres ? options.UseNpgsql(database) : options.UseSqlite(database)).UseSse()
        );
        var app = builder.Build();

        await using var db = app.Services.GetRequiredService<IDbContextFactory<NotesDb>>().CreateDbContext();
        await db.Database.EnsureCreatedAsync(Stop);
        return app;
    }

    private static async Task<string[]> PublishedAsync(WebApplication app, EventTopic topic)
    {
        var read = new EventRead { Filter = new EventFilter([topic]) };
        var page = await app.Services.GetRequiredService<IEventLog>().ReadAsync(read, Stop);
        return [.. page.Events.Select(e => e.Type)];
    }

    private sealed class Note
    {
        public int Id { get; init; }
        public string Text { get; init; } = "";
    }

    private sealed class NotesDb(DbContextOptions<NotesDb> options) : DbContext(options)
    {
        protected override void OnModelCreating(ModelBuilder modelBuilder) => modelBuilder.Entity<Note>();
    }
}
