namespace Stack;

/// <summary>Allows one stack at a time. Test assemblies run in parallel,
/// but two stacks on two cores would only measure each other.</summary>
public sealed class StackLock : IDisposable
{
    private readonly FileStream _file;

    private StackLock(FileStream file) => _file = file;

    public static async Task<StackLock> TakeAsync(CancellationToken cancellationToken)
    {
        // artifacts/bin/<assembly>/<configuration>/ -> artifacts/: the test assemblies of one clone.
        var path = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "test-stack.lock"));
        while (true)
        {
            try
            {
                return new StackLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
            }
            // EWOULDBLOCK of Linux and macOS, ERROR_SHARING_VIOLATION of Windows; other errors would never end.
            catch (IOException e) when (e.HResult is 11 or 35 or unchecked((int)0x80070020))
            {
                await Task.Delay(100, cancellationToken);
            }
        }
    }

    public void Dispose() => _file.Dispose();
}
