using Broadcaster;

if (HealthProbe.IsWanted(args))
    return HealthProbe.Run();
BroadcasterApplication.Build(args).Run();
return Environment.ExitCode;
