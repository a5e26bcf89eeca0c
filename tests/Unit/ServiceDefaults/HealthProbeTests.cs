using System.Net;
using Harness;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;

namespace Unit.ServiceDefaults;

public sealed class HealthProbeTests
{
    [Theory]
    [InlineData(200, 0)]
    [InlineData(503, 1)]
    public async Task The_exit_code_is_0_only_if_the_service_answers_200(int status, int code)
    {
        var port = FreePort.Take();
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port));

        await using var app = builder.Build();
        app.MapGet("/health", () => Results.StatusCode(status));
        await app.StartAsync(TestContext.Current.CancellationToken);
        Assert.Equal(code, HealthProbe.Ask(port));
    }

    [Fact]
    public void Without_a_service_the_exit_code_is_1() => Assert.Equal(1, HealthProbe.Ask(FreePort.Take()));

    [Theory]
    [InlineData("http://+:8080", 8080)]
    [InlineData("https://*:8443;http://0.0.0.0:5080/", 5080)]
    [InlineData(null, 8080)]
    public void The_port_is_that_of_the_first_http_address(string? urls, int port) =>
        Assert.Equal(port, HealthProbe.PortOf(urls));
}
