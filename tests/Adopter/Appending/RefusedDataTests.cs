using Npgsql;

namespace Adopter.Appending;

/// <summary>Data that only the database refuses, for reasons that no library knows.</summary>
public sealed class RefusedDataTests : IAsyncLifetime
{
    private WebApplication _app = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Rules of the database's operator.</summary>
    public async ValueTask InitializeAsync()
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        _app = await LogApp.StartAsync(database.ConnectionString);
        await LogApp.ExecuteAsync(
            database.ConnectionString,
            """
            alter table eventstore.events add constraint no_cards check (data !~ '[0-9]{16}' and key !~ 'card');
            create function public.no_names() returns trigger language plpgsql as $$ begin
                if new.key = 'name' then raise exception 'A name: %', new.data; end if;
                return new;
            end $$;
            create trigger no_names before insert on eventstore.events for each row execute function public.no_names();
            create unique index one_owner on eventstore.events_000000000 (key) where key = 'owner'
            """
        );
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    public static TheoryData<string, bool> Failures => OperatorTriggers.Failures;

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task An_event_that_a_trigger_fails_at_fails_alone_however_it_fails(string failure, bool isDeferred)
    {
        var database = await Stores.Shared.CreateMigratedAsync(Stop);
        await using var app = await LogApp.StartAsync(database.ConnectionString);
        await LogApp.ExecuteAsync(database.ConnectionString, OperatorTriggers.Sql(failure, isDeferred));

        var innocents = Enumerable.Range(0, 10).Select(n => AppendAsync("n", n)).ToList();
        var guilty = AppendAsync(OperatorTriggers.Refused, 0);
        innocents.AddRange(Enumerable.Range(10, 10).Select(n => AppendAsync("n", n)));

        var refused = await Assert.ThrowsAsync<ArgumentException>(() => guilty);
        Assert.IsType<PostgresException>(refused.InnerException);
        Assert.Equal(20, (await Task.WhenAll(innocents)).Distinct().Count());

        Task<AppendedEvent> AppendAsync(string type, int number) =>
            app.Log().AppendAsync($"t.{number}", type, number, cancellationToken: Stop);
    }

    [Theory]
    [InlineData("1", "card")]
    [InlineData("1", "name")]
    [InlineData("1", "owner")]
    [InlineData("\"4111111111111111\"", null)]
    public async Task An_event_that_the_database_refuses_fails_alone_and_its_caller_learns_why(string data, string? key)
    {
        var log = _app.Log();
        for (var round = 0; round < 5; round++)
        {
            var innocents = Enumerable.Range(0, 10).Select(n => InnocentAsync(n)).ToList();
            var guilty = log.AppendAsync([new("t.1", "n", data, key), new("t.1", "n", data, key)], Stop);
            innocents.AddRange(Enumerable.Range(10, 10).Select(n => InnocentAsync(n)));

            var refused = await Assert.ThrowsAnyAsync<ArgumentException>(() => guilty);
            Assert.Contains("Postgres refuses", refused.Message, StringComparison.Ordinal);
            Assert.Equal(20, (await Task.WhenAll(innocents)).Distinct().Count());
        }

        Assert.Empty((await log.ReadAsync(new() { Filter = new EventFilter(["t.1"]) }, Stop)).Events);

        async Task<AppendedEvent> InnocentAsync(int number) =>
            await log.AppendAsync($"innocent.{number}", "n", number, cancellationToken: Stop);
    }
}
