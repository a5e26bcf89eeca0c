namespace StreamApi;

/// <summary>The program's commands besides serving: <c>health</c>, <c>migrate</c>, <c>wait-for-schema</c>.</summary>
internal static class CommandLine
{
    /// <summary>Runs the command that the arguments name, and returns its exit code; null: none.</summary>
    public static async Task<int?> RunAsync(string[] args) =>
        args switch
        {
            _ when HealthProbe.IsWanted(args) => HealthProbe.Run(),
            ["migrate", "--script"] => await Migration.PrintAsync(role: null),
            ["migrate", "--script", var role] => await Migration.PrintAsync(role),
            ["migrate", ..] => await Migration.RunAsync(args),
            ["wait-for-schema", ..] => await Migration.WaitAsync(args),
            _ => null,
        };
}
