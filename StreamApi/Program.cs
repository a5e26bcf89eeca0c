using StreamApi;

if (await Commands.RunAsync(args) is { } exitCode)
    return exitCode;
StreamApiApplication.Build(args).Run();
return Environment.ExitCode;
