using StreamApi.Security;

namespace Unit.Security;

public class CallerTests
{
    [Fact]
    public void No_token_has_a_users_name_that_a_key_or_another_token_has()
    {
        string[] names = ["alice", "key:alice", "sub:alice", "sub:key:alice", "replica:", "sub:replica:", "key:", ""];
        var users = names
            .Select(Caller.UserOfToken)
            .Concat(names.Select(Caller.UserOfKey))
            .Append(Caller.Replica)
            .ToList();
        Assert.Equal(users.Count, users.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal("alice", Caller.UserOfToken("alice"));
    }

    /// <summary>A ticket of a key ends with the grants of that key.</summary>
    [Fact]
    public void The_user_of_a_key_is_told_from_the_user_of_a_token_that_is_named_like_one()
    {
        Assert.True(Caller.IsKey(Caller.UserOfKey("alice")));
        foreach (var subject in (string[])["alice", "key:alice", "alice:key:", "KEY:alice"])
            Assert.False(Caller.IsKey(Caller.UserOfToken(subject)), subject);
    }
}
