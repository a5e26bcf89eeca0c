// Stands in for members that StackExchange.Redis has since 2.8. Not affiliated with its authors.
namespace StackExchange.Redis;

/// <summary>Adds the factory of sharded channels. Version 1.2.6 cannot send SPUBLISH, so such a channel is a plain one
/// here: a cluster carries its messages to every node, and any node serves its subscribers.</summary>
public static class RedisChannelExtensions
{
    extension(RedisChannel)
    {
        public static RedisChannel Sharded(string value) => new(value, RedisChannel.PatternMode.Literal);
    }
}
