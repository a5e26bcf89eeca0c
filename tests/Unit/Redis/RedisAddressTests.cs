using EventStore;

namespace Unit.Redis;

/// <summary>The connection string of Redis: one server, several, or a cluster.</summary>
public class RedisAddressTests
{
    [Theory]
    [InlineData("localhost", "localhost:6379")]
    [InlineData("redis.example:7000,password=x=y", "redis.example:7000")]
    [InlineData("a,ssl=true", "a:6380")]
    [InlineData("a:1;b:2", "a:1", "b:2")]
    [InlineData("Redis-A:1;REDIS-B:2", "redis-a:1", "redis-b:2")]
    [InlineData(" a:1,password=x ; b:2,password=y; ", "a:1", "b:2")]
    [InlineData("a:1,b:1,c:1,password=x", "a:1")]
    [InlineData("a:1,b:1;c:1", "a:1", "c:1")]
    [InlineData("10.0.0.1:1;10.0.0.2:1", "10.0.0.1:1", "10.0.0.2:1")]
    public void Semicolons_separate_servers_and_commas_separate_nodes_of_a_cluster(
        string text,
        params string[] names
    ) => Assert.Equal(names, RedisAddress.Parse(text).Select(a => a.Name));

    [Fact]
    public void Each_server_keeps_its_own_options() =>
        Assert.Equal(
            ["a:1,password=x", "b:2,password=y"],
            RedisAddress.Parse("a:1,password=x;b:2,password=y").Select(a => a.ConnectionString)
        );

    [Theory]
    [InlineData(";")]
    [InlineData("password=hidden")]
    [InlineData("a:port,password=hidden")]
    [InlineData("a:1,b:port,password=hidden")]
    [InlineData("a:70000,password=hidden")]
    [InlineData("a:1,keepAlive=hidden")]
    [InlineData("a:1,passwort=hidden")]
    [InlineData("a:1;a:1,password=hidden")]
    [InlineData("a:6379;A,password=hidden")]
    [InlineData("localhost:1;127.0.0.1:1,password=hidden")]
    [InlineData("a:1,b:1;b:1,password=hidden")]
    public void An_invalid_address_is_refused_without_showing_its_password(string text)
    {
        var error = Assert.Throws<FormatException>(() => RedisAddress.Parse(text));
        Assert.DoesNotContain("hidden", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_that_is_named_twice_is_named_in_the_error()
    {
        var error = Assert.Throws<FormatException>(() => RedisAddress.Parse("a:1;b:1;a:1"));
        Assert.Contains("a:1 twice (entries 1 and 3)", error.Message, StringComparison.Ordinal);
    }
}
