namespace Adopter.Callers;

/// <summary>Two callers who look alike, by each way to sign in.</summary>
internal static class CallerPairs
{
    public static TheoryData<string> Names =>
        [
            "Keycloak's tokens",
            "Entra's tokens",
            "tokens with claims as they are",
            "one display name",
            "two issuers",
            "cookies",
            "keys",
            "keys with a name alone",
            "two schemes",
            "an identity that many share",
            "an identity that is not signed in",
        ];

    /// <summary>Returns two callers who are not the same, and look alike.</summary>
    public static async Task<(GatewayClient Own, GatewayClient Other)> OfAsync(CallersApp app, string pair)
    {
        var (own, other) = pair switch
        {
            "Keycloak's tokens" => (
                app.WithToken(
                    Schemes.Mapped,
                    new
                    {
                        sub = "f:1:a",
                        preferred_username = "ann",
                        name = "Ann",
                    }
                ),
                app.WithToken(
                    Schemes.Mapped,
                    new
                    {
                        sub = "f:1:b",
                        preferred_username = "ann",
                        name = "Ann",
                    }
                )
            ),
            "Entra's tokens" => (
                app.WithToken(
                    Schemes.Named,
                    new
                    {
                        sub = "s1",
                        oid = "o",
                        tid = "t",
                        name = "Ann",
                    }
                ),
                app.WithToken(
                    Schemes.Named,
                    new
                    {
                        sub = "s2",
                        oid = "o",
                        tid = "t",
                        name = "Ann",
                    }
                )
            ),
            "tokens with claims as they are" => (
                app.WithToken(Schemes.Unmapped, new { sub = "alice", name = "Ann" }),
                app.WithToken(Schemes.Unmapped, new { sub = "mallory", name = "Ann" })
            ),
            "one display name" => (
                app.WithToken(Schemes.Named, new { sub = "alice", name = "Ann" }),
                app.WithToken(Schemes.Named, new { sub = "mallory", name = "Ann" })
            ),
            "two issuers" => (
                app.WithToken(Schemes.Mapped, new { sub = "alice" }),
                app.WithToken(Schemes.Mapped, new { sub = "alice" }, Schemes.OtherIssuer)
            ),
            "cookies" => (await app.SignedInAsync("1", "Ann"), await app.SignedInAsync("2", "Ann")),
            "keys" => (app.WithKey("id=1;name=Ann"), app.WithKey("id=2;name=Ann")),
            "keys with a name alone" => (app.WithKey("name=ann"), app.WithKey("name=bob")),
            "two schemes" => (app.WithKey("id=7;name=Ann"), await app.SignedInAsync("7", "Ann")),
            "an identity that many share" => (app.WithKey("id=team,id=1"), app.WithKey("id=team,id=2")),
            _ => (app.WithKey("?id=guest,id=1"), app.WithKey("?id=guest,id=2")),
        };

        return (new(own), new(other));
    }
}
