using Adopter.Appending;
using Adopter.Databases;
using Microsoft.EntityFrameworkCore;

namespace Adopter.Outbox;

/// <summary>Rules of the database's operator, which no library knows, refuse an event that is committed
/// already.</summary>
public sealed class RefusedRowTests : IAsyncLifetime
{
    private const string Card = "4111111111111111";

    private readonly Shop _shop = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => _shop.InitializeAsync();

    public ValueTask DisposeAsync() => _shop.DisposeAsync();

    [Theory]
    [InlineData("alter table eventstore.events add constraint no_cards check (data !~ '[0-9]{16}')", "4 20 21")]
    [InlineData("alter table eventstore.events alter key set not null", "4 20 21")]
    [InlineData("create unique index one_card on eventstore.events_000000000 (data) where key is null", "20 21")]
    [InlineData(
        """
            create function public.no_cards() returns trigger language plpgsql as $$ begin
                if new.key is null then raise exception 'A card: %', new.data; end if;
                return new;
            end $$;
            create trigger no_cards before insert on eventstore.events for each row execute function public.no_cards()
            """,
        "4 20 21"
    )]
    public async Task A_row_that_the_database_refuses_is_set_aside_alone(string rule, string refused)
    {
        await DoAsync(rule);
        await using (var db = _shop.Open())
        {
            for (var n = 0; n < 30; n++)
                db.Publish("shops.7.item", $"{n}", n is 4 or 20 or 21 ? Card : "tea", n is 4 or 20 or 21 ? null : "k");
            await db.SaveChangesAsync(Stop);
        }

        await Eventually.HoldsAsync(
            async () => await DoAsync("select count(*) from eventstore.outbox") == "0",
            "nothing is left in the outbox"
        );

        Assert.Equal(
            refused,
            await DoAsync("select string_agg(type, ' ' order by ordinal) from eventstore.outbox_refused")
        );
        Assert.Equal(
            string.Join(' ', Enumerable.Range(0, 30).Select(n => $"{n}").Except(refused.Split(' '))),
            await DoAsync("select string_agg(type, ' ' order by position) from eventstore.events")
        );
    }

    /// <summary>Failures in a trigger that are no verdict on the row, but a mistake of the operator's.</summary>
    public static TheoryData<string, bool> Failures => OperatorTriggers.Failures;

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_row_that_a_trigger_fails_at_is_set_aside_alone_however_it_fails(string failure, bool isDeferred)
    {
        await DoAsync(OperatorTriggers.Sql(failure, isDeferred));
        await using (var db = _shop.Open())
        {
            for (var n = 0; n < 6; n++)
                db.Publish("shops.7.item", n == 2 ? OperatorTriggers.Refused : "tea", n);
            await db.SaveChangesAsync(Stop);
        }

        await Eventually.HoldsAsync(
            async () => await DoAsync("select count(*) from eventstore.outbox") == "0",
            "nothing is left in the outbox"
        );
        Assert.Equal("2", await DoAsync("select string_agg(data, ' ') from eventstore.outbox_refused"));
        Assert.Equal(
            "0 1 3 4 5",
            await DoAsync("select string_agg(data, ' ' order by position) from eventstore.events")
        );
    }

    /// <summary>The closing events of a run whose writer is gone.</summary>
    [Fact]
    public async Task A_run_whose_end_the_database_refuses_keeps_no_other_one_open()
    {
        await DoAsync(
            $$"""
            alter table eventstore.events add constraint no_cards check (data !~ '[0-9]{16}');
            insert into eventstore.run_writers values ('00000000-0000-0000-0000-000000000001', 'gone', now());
            insert into eventstore.runs (run, writer, will)
            select 'answers.' || n, '00000000-0000-0000-0000-000000000001',
                jsonb_build_array(jsonb_build_object('type', 'end', 'data', case n when 2 then '{{Card}}' else '1' end))
            from generate_series(1, 4) n
            """
        );

        await Eventually.HoldsAsync(
            async () => await DoAsync("select count(*) from eventstore.runs") == "0",
            "no run of the writer is open"
        );
        Assert.Equal(
            "answers.1 answers.3 answers.4",
            await DoAsync("select string_agg(topic, ' ' order by position) from eventstore.events")
        );
    }

    private Task<string?> DoAsync(string sql) => DatabaseQuestions.AskAsync(_shop.ConnectionString, sql);
}
