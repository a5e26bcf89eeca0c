using ServiceDefaults.OptionKeys;
using WebFrontend.SignIn;

namespace WebFrontend;

/// <summary>The settings that this service reads.</summary>
internal static class WebFrontendOptions
{
    public static readonly OptionSection[] Sections =
    [
        new("Dashboard:Url", typeof(string)),
        new("LoadTests:Program", typeof(string)),
        new("LoadTests:Reports", typeof(string)),
        new("SignIn", typeof(SignInOptions)),
        new("StreamApi:ApiKey", typeof(string)),
        new("StreamApi:PublicUrl", typeof(string)),
    ];
}
