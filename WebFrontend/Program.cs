using WebFrontend;

if (HealthProbe.IsWanted(args))
    return HealthProbe.Run();
WebFrontendApplication.Build(args).Run();
return 0;
