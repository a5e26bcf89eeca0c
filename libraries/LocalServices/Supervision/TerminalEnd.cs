using System.Reflection;
using Aspire.Hosting;

namespace LocalServices.Supervision;

/// <summary>Ends an AppHost that cannot start.</summary>
internal static class TerminalEnd
{
    /// <summary>Ends the program with a message, which is enough at a terminal. In a test it returns, and the test gets
    /// the exception.</summary>
    internal static void EndAtTerminal(this IDistributedApplicationBuilder builder, string message)
    {
        if (Assembly.GetEntryAssembly() != builder.AppHostAssembly)
            return;

        Console.Error.WriteLine(message);
        Environment.Exit(1);
    }
}
