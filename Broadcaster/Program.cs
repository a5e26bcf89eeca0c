using Broadcaster;

if (HealthProbe.IsWanted(args))
    return HealthProbe.Run();
return BroadcasterApplication.Build(args).RunToExitCode();
