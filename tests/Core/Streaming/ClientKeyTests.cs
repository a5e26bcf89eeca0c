namespace Core.Streaming;

public sealed class ClientKeyTests
{
    [Fact]
    public void No_users_key_is_that_of_another_users_person()
    {
        var person = Guid.NewGuid();
        Assert.NotEqual(ClientKey.OfUser($"shop {person:N}").Person, ClientKey.OfPerson("shop", person).Person);
    }
}
