using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Http.Resilience;

namespace Unit.ServiceDefaults;

public class DiscoveryTests
{
    [Theory]
    [InlineData("http://streamapi/hello")]
    [InlineData("https+http://streamapi/hello")]
    [InlineData("http://_admin.streamapi/hello")]
    public async Task A_service_is_found_by_its_name(string url)
    {
        await using var streamapi = await Service.StartAsync(map: app => app.MapGet("/hello", () => "hello"));
        await using var caller = await Service.StartAsync(
            null,
            null,
            ("services:streamapi:http:0", streamapi.Url),
            ("services:streamapi:admin:0", streamapi.Url)
        );
        Assert.Equal("hello", await caller.Outgoing.GetStringAsync(url, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Two_addresses_are_used_in_turn()
    {
        await using var first = await Service.StartAsync(map: app => app.MapGet("/who", () => "first"));
        await using var second = await Service.StartAsync(map: app => app.MapGet("/who", () => "second"));
        await using var caller = await Service.StartAsync(
            null,
            null,
            ("services:streamapi:http:0", first.Url),
            ("services:streamapi:http:1", second.Url)
        );
        var client = caller.Outgoing;
        string[] answers =
        [
            await client.GetStringAsync("http://streamapi/who", TestContext.Current.CancellationToken),
            await client.GetStringAsync("http://streamapi/who", TestContext.Current.CancellationToken),
        ];
        Assert.Equal(["first", "second"], answers.Order());
    }

    [Fact]
    public async Task Discovery_reads_the_AppHosts_environment_variables()
    {
        await using var streamapi = await Service.StartAsync(map: app => app.MapGet("/hello", () => "hello"));
        Environment.SetEnvironmentVariable("UNITTEST_services__byenvironment__http__0", streamapi.Url);
        await using var caller = await Service.StartAsync(builder =>
            builder.Configuration.AddEnvironmentVariables("UNITTEST_")
        );
        Assert.Equal(
            "hello",
            await caller.Outgoing.GetStringAsync("http://byenvironment/hello", TestContext.Current.CancellationToken)
        );
    }

    [Fact]
    public async Task An_address_that_names_no_service_is_called_unchanged()
    {
        await using var elsewhere = await Service.StartAsync(map: app => app.MapGet("/hello", () => "hello"));
        await using var caller = await Service.StartAsync();
        Assert.Equal(
            "hello",
            await caller.Outgoing.GetStringAsync($"{elsewhere.Url}/hello", TestContext.Current.CancellationToken)
        );
    }

    [Fact]
    public async Task An_unknown_service_is_named_in_the_error()
    {
        await using var caller = await Service.StartAsync(builder =>
            builder.Services.ConfigureAll<HttpStandardResilienceOptions>(options =>
                options.Retry.Delay = TimeSpan.FromMilliseconds(1)
            )
        );
        var error = await Assert.ThrowsAsync<HttpRequestException>(() =>
            caller.Outgoing.GetAsync("http://nobody-at-all/hello", TestContext.Current.CancellationToken)
        );
        Assert.Contains("nobody-at-all", error.Message, StringComparison.Ordinal);
    }
}
