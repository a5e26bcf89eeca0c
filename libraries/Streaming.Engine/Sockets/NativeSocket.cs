using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Streaming.Sockets;

/// <summary>A TCP connection taken from a <see cref="Socket"/>, which its owner may then dispose. Linux only: no call
/// waits, and any thread may call.</summary>
/// <remarks>A <see cref="Socket"/> would take more memory for each stream, and ask the kernel for its addresses and
/// options when it is made.</remarks>
internal sealed partial class NativeSocket() : SafeHandleMinusOneIsInvalid(ownsHandle: true)
{
    // Numbers of Linux (fcntl(2), socket(7), tcp(7)); they are the same on every processor that .NET runs on.
    private const int DuplicateCloseOnExec = 1_030,
        CloseOnExec = 0x80000,
        DontWait = 0x40,
        NoSignal = 0x4000,
        ShutWrite = 1,
        SolSocket = 1,
        SoLinger = 13,
        IpProtoTcp = 6,
        Interrupted = 4,
        WouldBlock = 11;

    /// <summary>Bytes that a client may send after its request. A client that sends more counts as gone.</summary>
    public const int MostIgnored = 64 * 1_024;

    /// <summary>Gives the former owners of taken connections a socket that was never connected.</summary>
    private static readonly Socket Nothing = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    /// <summary>Takes the connection, and leaves the socket without one, so that its owner can shut it down, abort and
    /// close it without effect. Returns null if the socket is closed.</summary>
    public static NativeSocket? TakeFrom(Socket socket)
    {
        try
        {
            var taken = Duplicate(socket.SafeHandle, DuplicateCloseOnExec, 0);
            if (!taken.IsInvalid && Replace(Nothing.SafeHandle, socket.SafeHandle, CloseOnExec) >= 0)
                return taken;

            taken.Dispose();
            return null;
        }
        catch (ObjectDisposedException)
        {
            return null;
        }
    }

    /// <summary>Returns the bytes that the kernel has taken, or -1 if the peer is gone.</summary>
    public int Send(ReadOnlySpan<byte> bytes) => Result(SendTo(this, bytes, bytes.Length, DontWait | NoSignal));

    /// <summary>Reads and drops what the peer has sent. Returns its bytes, or -1 if the peer is gone.</summary>
    public int Discard(Span<byte> buffer)
    {
        for (var read = 0; ; )
        {
            var got = (int)Receive(this, buffer, buffer.Length, DontWait);
            if (got > 0)
                read += got;
            else
                return got == 0 || Result(got) < 0 ? -1 : read;
        }
    }

    public void SetTcpOption(int option, int value) => SetOption(this, IpProtoTcp, option, [value], sizeof(int));

    /// <summary>Sends the segment held back, with the end of the connection.</summary>
    public void End() => Shutdown(this, ShutWrite);

    /// <summary>Closes it with a reset, so that the kernel keeps no unsent byte.</summary>
    public void Abort()
    {
        SetOption(this, SolSocket, SoLinger, [1, 0], 2 * sizeof(int));
        Dispose();
    }

    /// <summary>Reads an option of TCP. Returns the bytes read, or -1.</summary>
    public int ReadTcpOption(int option, Span<byte> value)
    {
        var length = value.Length;
        return GetOption(this, IpProtoTcp, option, value, ref length) == 0 ? length : -1;
    }

    protected override bool ReleaseHandle() => Free(handle) == 0;

    private static int Result(nint result) =>
        result >= 0 ? (int)result
        : Marshal.GetLastPInvokeError() is WouldBlock or Interrupted ? 0
        : -1;

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial NativeSocket Duplicate(SafeSocketHandle socket, int command, int lowest);

    [LibraryImport("libc", EntryPoint = "dup3", SetLastError = true)]
    private static partial int Replace(SafeSocketHandle by, SafeSocketHandle replaced, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint SendTo(NativeSocket socket, ReadOnlySpan<byte> bytes, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static partial nint Receive(NativeSocket socket, Span<byte> buffer, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "shutdown", SetLastError = true)]
    private static partial int Shutdown(NativeSocket socket, int how);

    [LibraryImport("libc", EntryPoint = "setsockopt", SetLastError = true)]
    private static partial int SetOption(
        NativeSocket socket,
        int level,
        int option,
        ReadOnlySpan<int> value,
        int length
    );

    [LibraryImport("libc", EntryPoint = "getsockopt", SetLastError = true)]
    private static partial int GetOption(NativeSocket socket, int level, int option, Span<byte> value, ref int length);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Free(nint descriptor);
}
