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
}
