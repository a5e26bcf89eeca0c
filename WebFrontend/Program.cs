using WebFrontend.Languages;
using WebFrontend.Security;
using WebFrontend.Shell;
using WebFrontend.StreamApi;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddStreamApiAddress();
builder.Services.AddLanguages();
builder.Services.AddRazorComponents();

var app = builder.Build();
app.UseContentSecurity();
app.UseStatusCodePagesWithReExecute("/not-found");
app.UseAntiforgery();
app.MapStaticAssets();
app.MapRazorComponents<App>();
app.MapDefaultEndpoints();
app.Run();
