using Broadcaster;

if (HealthProbe.IsWanted(args))
    return HealthProbe.Run();
return ServiceExit.RunToExitCode(() => BroadcasterApplication.Build(args));
