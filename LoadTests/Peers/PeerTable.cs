namespace LoadTests.Peers;

internal static class PeerTable
{
    public static Task<bool> RunAsync(LoadOptions options, Uri target, CancellationToken cancellationToken) => throw new NotImplementedException();
}
