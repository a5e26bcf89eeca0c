using Microsoft.Extensions.Configuration;
using WebFrontend.Status;

namespace Unit.WebFrontend;

public class StreamApiAddressTests
{
    [Theory]
    [InlineData("http://localhost:5080", null, "http://localhost:5080")]
    [InlineData("https://events.example/", "http://10.0.0.1:80", "https://events.example")]
    [InlineData("", "http://localhost:41234", "http://localhost:41234")]
    public void The_public_address_counts_before_the_discovered_one(
        string? configured,
        string? discovered,
        string origin
    ) => Assert.Equal(origin, From(configured, discovered).Origin);

    [Theory]
    [InlineData(null)]
    [InlineData("localhost:5080")]
    [InlineData("ftp://localhost")]
    public void Without_one_that_works_the_start_fails_and_names_the_setting(string? configured) =>
        Assert.Contains(
            "StreamApi:PublicUrl",
            Assert.Throws<InvalidOperationException>(() => From(configured, null)).Message,
            StringComparison.Ordinal
        );

    private static StreamApiAddress From(string? configured, string? discovered) =>
        StreamApiAddress.From(
            new ConfigurationBuilder()
                .AddInMemoryCollection(
                    new Dictionary<string, string?>
                    {
                        ["StreamApi:PublicUrl"] = configured,
                        ["services:streamapi:http:0"] = discovered,
                    }
                )
                .Build()
        );
}
