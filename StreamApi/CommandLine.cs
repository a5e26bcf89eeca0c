using Npgsql;

namespace StreamApi;

/// <summary>The program's commands besides serving: <c>health</c>, <c>migrate</c>, <c>wait-for-schema</c>.</summary>
internal static class CommandLine
{
    /// <summary>Runs the command that the arguments name, and returns its exit code. Null if there is none.</summary>
    public static async Task<int?> RunAsync(string[] args) =>
        args switch
        {
            _ when HealthProbe.IsWanted(args) => HealthProbe.Run(),
            ["migrate", "--script"] => await Migration.PrintAsync(role: null),
            ["migrate", "--script", var role] => await Migration.PrintAsync(role),
            ["migrate", ..] => await SayAsync(Migration.RunAsync(args)),
            ["wait-for-schema", ..] => await SayAsync(Migration.WaitAsync(args)),
            _ => null,
        };

    /// <summary>Says in a sentence why a command failed: a trace helps nobody who corrects a setting.</summary>
    private static async Task<int> SayAsync(Task<int> command)
    {
        try
        {
            return await command;
        }
        catch (Exception e) when (e is InvalidOperationException or NpgsqlException or TimeoutException)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }
    }
}
