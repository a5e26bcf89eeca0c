using Harness;
using Microsoft.Extensions.Hosting;

namespace Unit.EventStore;

public sealed class EnsureSchemaTests
{
    [Fact]
    public async Task A_start_without_Postgres_names_the_address_and_the_way_out()
    {
        var port = FreePort.Take();
        var builder = Host.CreateEmptyApplicationBuilder(settings: null);
        builder.Configuration["ConnectionStrings:orders"] = $"Host=127.0.0.1;Port={port};Username=u;Password=secret";
        builder.AddEventStore("orders");
        using var host = builder.Build();

        var failed = await Assert.ThrowsAsync<StoreUnavailableException>(() =>
            host.EnsureSchemaAsync(TestContext.Current.CancellationToken)
        );

        Assert.Contains($"127.0.0.1;Port={port}", failed.Message);
        Assert.Contains("correct the application's connection string", failed.Message);
        Assert.DoesNotContain("secret", failed.ToString());
    }
}
