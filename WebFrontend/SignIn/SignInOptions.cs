namespace WebFrontend.SignIn;

/// <summary>
/// Sign-in for the pages; section <c>SignIn</c>. Enable it when StreamApi requires authentication: a visitor signs in
/// with a StreamApi token or key, and this server sends it with each of the visitor's requests.
/// </summary>
internal sealed class SignInOptions
{
    /// <summary>Requires visitors to sign in, with a token or key of StreamApi.</summary>
    public bool Enabled { get; set; }
}
