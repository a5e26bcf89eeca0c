using StreamApi;

if (await CommandLine.RunAsync(args) is { } exitCode)
    return exitCode;
return ServiceExit.RunToExitCode(() => StreamApiApplication.Build(args));
