using Npgsql;

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

    /// <summary>The server of Postgres is the application's, and the first start of many has no database
    /// there.</summary>
    [Fact]
    public async Task One_of_a_database_that_does_not_exist_is_refused_with_the_command_that_creates_it()
    {
        var there = new NpgsqlConnectionStringBuilder(await DatabaseQuestions.CreateDatabaseAsync());
        var builder = LogApp.Builder(
            new NpgsqlConnectionStringBuilder($"{there}") { Database = "nope" }.ConnectionString
        );
        builder.AddEventStore("log");
        await using var app = builder.Build();

        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => app.EnsureSchemaAsync(Stop));

        foreach (var part in (string[])["'createdb nope'", $"Host={there.Host};Port={there.Port}"])
            Assert.Contains(part, refused.Message, StringComparison.Ordinal);
    }
}
