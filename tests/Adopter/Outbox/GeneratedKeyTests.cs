using System.Text;
using System.Text.Json;
using System.Transactions;
using Microsoft.EntityFrameworkCore;

namespace Adopter.Outbox;

/// <summary>Events that tell of keys which the database generates.</summary>
public sealed class GeneratedKeyTests(KeysShop keys) : IClassFixture<KeysShop>
{
    private static readonly JsonSerializerOptions Web = new(JsonSerializerDefaults.Web);

    private readonly int _id = keys.Shop.Next();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, bool> Saves =>
        new(
            from row in (string[])["identity", "hilo", "sequence", "unique", "client", "converted", "owner"]
            from transaction in (string[])["none", "retried", "explicit", "without savepoints", "ambient", "change"]
            from sync in (bool[])[false, true]
            select (row, transaction, sync)
        );

    [Theory]
    [MemberData(nameof(Saves))]
    public async Task An_event_has_the_values_that_its_row_has_after_the_save(string row, string transaction, bool sync)
    {
        var added = Row(row);
        if (transaction == "change")
            await keys.Contexts().ChangeAsync(AddAsync, Stop);
        else
            await SaveAsync();

        var events = await keys.Shop.EventsAsync($"keys.{_id}.>");
        Assert.Equal(["before", "added", "after"], events.Select(e => e.Type));
        Assert.NotEqual("0", added.Token);
        Assert.Equal($"keys.{_id}.{added.Token}", events[1].Topic);
        Assert.Equal(added.Token, events[1].Key);
        Assert.Equal(JsonSerializer.Serialize<object>(added, Web), Encoding.UTF8.GetString(events[1].Data.Span));

        async Task SaveAsync()
        {
            await using var db = keys.Open(transaction == "retried");
            db.Database.AutoSavepointsEnabled = transaction != "without savepoints";
            using var ambient =
                transaction == "ambient" ? new TransactionScope(TransactionScopeAsyncFlowOption.Enabled) : null;
            await using var begun = transaction is "explicit" or "without savepoints"
                ? await db.Database.BeginTransactionAsync(Stop)
                : null;
            await AddAsync(db);
            await db.SaveAsync(sync);
            if (begun is not null)
                await begun.CommitAsync(Stop);
            ambient?.Complete();
        }

        Task AddAsync(KeysDb db)
        {
            db.Publish($"keys.{_id}.before", "before", 1);
            db.Publish(() => $"keys.{_id}.{added.Token}", "added", () => (object)added, () => added.Token);
            db.Add(added);
            db.Publish($"keys.{_id}.after", "after", 1);
            return Task.CompletedTask;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_save_that_is_repeated_publishes_the_key_of_the_row_that_stays(bool sync)
    {
        var added = new Identity();
        await using var db = keys.Open(retries: true, new LosesOneAnswer { BeforeTheCommit = true });
        db.Add(added);
        db.Publish(() => $"keys.{_id}.{added.Id}", "added", () => added);
        await db.SaveAsync(sync);

        Assert.Equal($"keys.{_id}.{added.Id}", Assert.Single(await keys.Shop.EventsAsync($"keys.{_id}.>")).Topic);
    }

    [Fact]
    public async Task A_save_that_fails_leaves_the_entity_as_it_was_and_the_next_one_publishes()
    {
        var added = new Identity();
        await using var db = keys.Open(retries: false, new LosesOneAnswer { BeforeTheCommit = true });
        db.Add(added);
        db.Publish(() => $"keys.{_id}.{added.Id}", "added", () => added);
        await Assert.ThrowsAnyAsync<Exception>(() => db.SaveChangesAsync(Stop));
        Assert.Equal((0, 0), (added.Id, added.Parts[0].IdentityId));

        await db.SaveChangesAsync(Stop);
        Assert.Equal($"keys.{_id}.{added.Id}", Assert.Single(await keys.Shop.EventsAsync($"keys.{_id}.>")).Topic);
    }

    [Fact]
    public async Task An_event_that_cannot_be_made_fails_the_save_and_its_changes()
    {
        var added = new Identity();
        await using var db = keys.Open();
        db.Add(added);
        db.Publish<int>(() => $"keys.{_id}.{added.Id}", "added", () => throw new InvalidOperationException("No."));
        await Assert.ThrowsAsync<InvalidOperationException>(() => db.SaveChangesAsync(Stop));
        Assert.Equal(EntityState.Added, db.Entry(added).State);
        Assert.Empty(await keys.Shop.EventsAsync($"keys.{_id}.>"));
    }

    [Fact]
    public async Task An_event_of_an_entity_without_its_key_is_refused_by_the_call()
    {
        await using var db = keys.Open();
        var added = new Identity();
        var converted = new Converted();
        var owner = new Owner();
        db.AddRange(added, converted, owner);
        object[] values =
        [
            added,
            added.Parts[0],
            converted,
            owner,
            new { data = added },
            new { rows = (object[])[1, added] },
            new Dictionary<string, object> { ["row"] = added },
            (List<IdentityPart>)[.. added.Parts],
        ];
        foreach (var value in values)
        {
            var refused = Assert.Throws<InvalidOperationException>(() => db.Publish("keys.1", "added", value));
            Assert.Contains("db.Publish(() =>", refused.Message, StringComparison.Ordinal);
        }

        await db.SaveChangesAsync(Stop);
        foreach (var value in values)
            db.Publish($"keys.{_id}", "added", value);
        await db.SaveChangesAsync(Stop);
        Assert.Equal(values.Length, (await keys.Shop.EventsAsync($"keys.{_id}")).Count);
    }

    /// <summary>Keys that the client makes are known before the save.</summary>
    [Fact]
    public async Task An_event_of_an_entity_with_its_key_is_taken_before_the_save()
    {
        await using var db = keys.Open();
        var hilo = new HiLo();
        var client = new ClientGuid();
        var owner = new Owner();
        db.AddRange(hilo, client, owner);
        foreach (var value in (object[])[hilo, client, owner.Address, new Identity(), "text", new { hilo, client }])
            db.Publish($"keys.{_id}", "added", value);
        await db.SaveChangesAsync(Stop);
        Assert.Equal(6, (await keys.Shop.EventsAsync($"keys.{_id}")).Count);
    }

    private static IRow Row(string kind) =>
        kind switch
        {
            "identity" => new Identity(),
            "hilo" => new HiLo(),
            "sequence" => new Sequence(),
            "unique" => new Unique(),
            "client" => new ClientGuid(),
            "converted" => new Converted(),
            _ => new Owner(),
        };
}
