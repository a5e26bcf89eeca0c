using StreamApi;

if (await CommandLine.RunAsync(args) is { } exitCode)
    return exitCode;
StreamApiApplication.Build(args).Run();
return Environment.ExitCode;
