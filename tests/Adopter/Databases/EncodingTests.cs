using System.Text;

namespace Adopter.Databases;

/// <summary>Connection strings that ask for another encoding than UTF-8, as <c>PGCLIENTENCODING</c> does.</summary>
public sealed class EncodingTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Client Encoding=WIN1252")]
    [InlineData("Client Encoding=LATIN1;Encoding=ISO-8859-1")]
    public async Task Text_is_stored_as_it_was_appended(string encoding)
    {
        var database = await DatabaseQuestions.CreateDatabaseAsync();
        var builder = LogApp.Builder($"{database};{encoding}");
        builder.AddEventStore("log");
        await using var app = await LogApp.StartAsync(builder);
        var log = app.Services.GetRequiredService<IEventLog>();

        await log.AppendAsync("orders.7", "paid", "é猫", key: "ß", cancellationToken: Stop);

        var stored = Assert.Single((await log.ReadAsync(new(), Stop)).Events);
        Assert.Equal(("\"é猫\"", "ß"), (Encoding.UTF8.GetString(stored.Data.Span), stored.Key));
        Assert.Equal("ß", await DatabaseQuestions.AskAsync(database, "select key from eventstore.events"));
    }
}
