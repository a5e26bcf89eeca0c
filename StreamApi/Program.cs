using StreamApi;

if (await CommandLine.RunAsync(args) is { } exitCode)
    return exitCode;
return StreamApiApplication.Build(args).RunToExitCode();
