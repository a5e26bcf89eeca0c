var app = WebApplication.CreateBuilder(args).Build(); app.MapGet("/", () => "up"); app.Run();
