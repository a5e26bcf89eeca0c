using EventStore;
using Microsoft.Extensions.Options;

namespace Unit.Streaming;

internal static class Slots
{
    public static TopicSlots Default { get; } = Of(256, 1);

    public static TopicSlots Of(int slots, int tokens) =>
        new(Options.Create(new EventStoreOptions { Slots = slots, SlotTokens = tokens }));
}
