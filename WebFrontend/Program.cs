using WebFrontend;

if (HealthProbe.IsWanted(args))
    return HealthProbe.Run();
return ServiceExit.RunToExitCode(() => WebFrontendApplication.Build(args));
