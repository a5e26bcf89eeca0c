namespace WebFrontend.SignIn;

/// <summary>
/// Whether the pages ask who one is; section <c>SignIn</c>. They do where StreamApi does: then a visitor signs in with
/// a token or key of StreamApi's, which
/// this server keeps for him and sends along.
/// </summary>
internal sealed class SignInOptions
{
    public bool Enabled { get; set; }
}
