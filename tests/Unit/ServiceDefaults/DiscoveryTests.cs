using Microsoft.AspNetCore.Builder;

namespace Unit.ServiceDefaults;

public class DiscoveryTests
{
    [Fact]
    public async Task A_client_of_the_factory_finds_a_service_by_its_name()
    {
        await using var streamapi = await Service.StartAsync(map: app => app.MapGet("/hello", () => "hello"));
        await using var caller = await Service.StartAsync(null, null, ("services:streamapi:http:0", streamapi.Url));
        Assert.Equal(
            "hello",
            await caller.Outgoing.GetStringAsync("http://streamapi/hello", TestContext.Current.CancellationToken)
        );
    }
}
