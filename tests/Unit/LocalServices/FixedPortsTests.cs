using System.Net;
using System.Net.Sockets;
using Aspire.Hosting;
using LocalServices;

namespace Unit.LocalServices;

public class FixedPortsTests
{
    [Fact]
    public void A_start_on_a_port_in_use_is_refused_with_its_owner_and_the_way_out()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;
        var builder = DistributedApplication.CreateBuilder(
            new DistributedApplicationOptions
            {
                // Of the program itself, the message alone would end the process.
                AssemblyName = typeof(FixedPorts).Assembly.GetName().Name,
                DisableDashboard = true,
            }
        );

        builder.AddExecutable("api", "sh", "/").WithHttpEndpoint(port: port);

        var refusal = Assert.Throws<LocalServicesException>(builder.RequireFreePorts);
        Assert.StartsWith($"Port {port} for api is in use", refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith(LocalServicesOptions.SecondStack, refusal.Message, StringComparison.Ordinal);

        other.Stop();
        builder.RequireFreePorts();
    }
}
