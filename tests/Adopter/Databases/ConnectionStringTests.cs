namespace Adopter.Databases;

/// <summary>Connection strings in a form that Npgsql does not read.</summary>
public sealed class ConnectionStringTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("postgres://shop:secret@db:5432/orders", "it is a URI")]
    [InlineData("postgresql://shop:p=secret@db/orders", "it is a URI")]
    [InlineData("secret", "Host=")]
    [InlineData("Host=db;Passwrd=secret", "passwrd")]
    [InlineData("Host=db;Port=secret", "port")]
    public async Task One_that_cannot_be_read_is_refused_by_its_name_and_without_its_value(string text, string says)
    {
        var builder = LogApp.Builder(text);
        builder.AddEventStore("log");
        await using var app = builder.Build();

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => app.EnsureSchemaAsync(Stop));

        Assert.Contains("ConnectionStrings__log", refused.Message, StringComparison.Ordinal);
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refused.ToString(), StringComparison.Ordinal);
    }
}
