using Microsoft.Extensions.Options;
using Streaming.Fanout;

namespace Core.Streaming;

internal static class TestRings
{
    /// <summary>Creates filter rings of one writer, unless the options say otherwise.</summary>
    public static FilterRingRegistry Create(SseOptions? options = null, TimeProvider? clock = null) =>
        new(Options.Create(options ?? new SseOptions { Writers = 1 }), clock ?? TimeProvider.System);
}
