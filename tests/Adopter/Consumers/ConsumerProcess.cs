using Harness;
using Microsoft.EntityFrameworkCore;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestPipelineStartup(typeof(Adopter.Consumers.ConsumerProcess))]

namespace Adopter.Consumers;

/// <summary>This program as a consumer that works until it is killed, instead of running tests.</summary>
public sealed class ConsumerProcess : ITestPipelineStartup
{
    private const string Variable = "SALES_DATABASE";

    internal static ChildProcess Start(string database) =>
        ChildProcess.Start(
            "A consumer",
            ["dotnet", typeof(ConsumerProcess).Assembly.Location],
            new Dictionary<string, string> { [Variable] = database }
        );

    public async ValueTask StartAsync(IMessageSink diagnosticMessageSink)
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { } database)
            return;

        using var app = await ConsumerTests.StartAsync(database, consumes: false);
        var stopping = app.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        while (true)
        {
            try
            {
                await app.Services.GetRequiredService<SalesConsumer>().ConsumeAsync(stopping);
            }
            catch (DbUpdateConcurrencyException)
            { /* the commit of a killed process came later than this one's look at the checkpoint */
            }
        }
    }

    public ValueTask StopAsync() => ValueTask.CompletedTask;
}
