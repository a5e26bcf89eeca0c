using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Streaming.Fanout;

namespace Integration.Delivery;

/// <summary>A replica leaves out what none of its readers needs, and its readers get all of theirs.</summary>
public sealed class ChangingFilterTests(ChangingFilterTests.TwoThatForgetSoon fixture)
    : IClassFixture<ChangingFilterTests.TwoThatForgetSoon>
{
    // The tests share the servers; topics of its own keep each from the others.
    private readonly string _root = $"t{Guid.NewGuid():N}";
    private readonly World _system = fixture.System;

    /// <summary>Two replicas that do not look at the store by themselves, and forget a filter a moment after its last
    /// reader.</summary>
    public sealed class TwoThatForgetSoon : SharedWorld
    {
        protected override int Replicas => 2;
        protected override int Broadcasters => 0;
        protected override Dictionary<string, string> Settings =>
            new()
            {
                ["AspireSse__Streaming__StoreCheckSeconds"] = "600",
                ["AspireSse__Streaming__IdleRingLifetime"] = "00:00:01",
            };

        /// <summary>Starts a Broadcaster with a way of its own to Redis: what the tests do to the replicas' does not
        /// disturb it.</summary>
        public override async ValueTask InitializeAsync()
        {
            await base.InitializeAsync();
            await System.StartBroadcasterAsync(new() { ["ConnectionStrings__redis"] = Stores.Shared.Redis });
            await System.WaitForModeAsync("live");
        }
    }

    [Fact]
    public async Task Filters_added_and_removed_during_events_get_each_event_once_and_in_order()
    {
        const int Rounds = 3,
            Posts = 100;
        var acknowledged = new List<(string Id, string Topic, int Number)>();
        // A filter of its own on each replica, so that pages are compared with it.
        await using var onA = await SseReader.OpenAtAsync(_system.Replicas[0].Url, $"/v1/events/stream?topic={_root}");
        await using var onB = await SseReader.OpenAtAsync(_system.Replicas[1].Url, $"/v1/events/stream?topic={_root}");
        // Every filter on both replicas: one of the two gets an event by Redis alone.
        var readers = new List<(ModelReader OnOne, ModelReader OnOther, Func<string, bool> Matches, int From)>();

        Add($"topic={_root}0.%3E", t => t[^3] is '0');
        Add($"topic={_root}1.x", t => t[^3] is '1');
        Add($"topic={_root}1.x&topic={_root}2.*", t => t[^3] is '1' or '2');
        Add($"topic={_root}3.%3E&topic={_root}4.%3E&topic={_root}5.x", t => t[^3] is '3' or '4' or '5');

        for (var round = 0; round < Rounds; round++)
        {
            // Nobody is there: a replica keeps these only if it commits them.
            await ForgottenAsync();

            if (round > 0)
                await PostAsync(Posts / 5);
            if (round == Rounds - 1)
                Add("topic=*.x", t => t.StartsWith(_root, StringComparison.Ordinal));

            foreach (var (one, other, _, _) in readers)
            {
                await one.OpenAsync(_system.Replicas[round % 2].Url);
                await other.OpenAsync(_system.Replicas[(round + 1) % 2].Url);
            }

            await PostAsync(Posts * 4 / 5);

            foreach (var (one, other, matches, from) in readers)
            {
                var seen = acknowledged.Skip(from).Where(e => matches(e.Topic)).Select(e => (e.Id, e.Number)).ToList();
                Assert.InRange(seen.Count, 100, acknowledged.Count);

                foreach (var reader in (ModelReader[])[one, other])
                {
                    await reader.WaitForAsync(seen.Count);
                    Assert.Equal(seen, await reader.DropAsync());
                }
            }
        }

        void Add(string filter, Func<string, bool> matches) =>
            readers.Add((new(filter, _ => true), new(filter, _ => true), matches, acknowledged.Count));

        async Task PostAsync(int posts)
        {
            for (var post = 0; post < posts; post++)
            {
                var from = acknowledged.Count;
                var events = Enumerable.Range(from, 10).Select(n => new EventBody(Topic(n), "n", new { n }));
                var ids = await World.PublishAsync(_system.Replicas[post % 2], [.. events]);
                acknowledged.AddRange(ids.Select((id, i) => (id, Topic(from + i), from + i)));
            }
        }

        string Topic(int number) => string.Create(CultureInfo.InvariantCulture, $"{_root}{number % 6}.x");
    }

    /// <summary>Waits until each replica has only one filter: it has forgotten those that nobody reads.</summary>
    private Task ForgottenAsync() =>
        Eventually.HoldsAsync(() =>
            _system.Replicas.All(r => ((ServiceHost)r).Services.GetRequiredService<FilterRingRegistry>().Count == 1)
        );
}
