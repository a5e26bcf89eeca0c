using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.Hosting;

/// <summary>The end of a service's program.</summary>
public static class ServiceExit
{
    /// <summary>Runs the service until it stops, and returns the program's exit code: 1 if a background service has
    /// failed, which stops the host, so that whoever runs the program starts it again, or the service did not
    /// start.</summary>
    public static int RunToExitCode(this WebApplication app)
    {
        var services = app.Services.GetServices<IHostedService>().OfType<BackgroundService>().ToList();
        try
        {
            app.Run();
        }
        catch (InvalidOperationException e)
        {
            // A mistake in the settings. The host has logged the trace; the last line says what to do.
            Console.Error.WriteLine(e.Message);
            return 1;
        }

        return services.Any(service => service.ExecuteTask is { IsFaulted: true }) ? 1 : Environment.ExitCode;
    }
}
