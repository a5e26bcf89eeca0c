using System.ComponentModel;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Benchmarks.Client;

/// <summary>A wrapper of epoll(7) without .NET's socket engine: the client costs little
/// more than its system calls, which matters on cores shared with the server.</summary>
internal sealed unsafe partial class Epoll : IDisposable
{
    private const int In = 1,
        Add = 1,
        MostEvents = 1_024,
        Interrupted = 4,
        WouldBlock = 11;

    // struct epoll_event { uint32_t events; epoll_data_t data; }, packed on x86-64 only.
    private static readonly int DataAt = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int Size = DataAt + 8;

    private readonly int _descriptor = epoll_create1(0);
    private readonly byte[] _events = new byte[MostEvents * Size];
    private int _timer = -1;

    public void Watch(nint descriptor, int index)
    {
        var described = stackalloc byte[16];
        Unsafe.WriteUnaligned(described, In);
        Unsafe.WriteUnaligned(described + DataAt, index);
        if (epoll_ctl(_descriptor, Add, (int)descriptor, described) != 0)
            throw new Win32Exception();
    }

    /// <summary>Returns the indexes of readable sockets; none after the timeout.</summary>
    public int Wait(Span<int> indexes, int timeoutMilliseconds)
    {
        fixed (byte* events = _events)
        {
            var number = epoll_wait(_descriptor, events, Math.Min(MostEvents, indexes.Length), timeoutMilliseconds);
            for (var i = 0; i < number; i++)
                indexes[i] = Unsafe.ReadUnaligned<int>(events + i * Size + DataAt);
            return Math.Max(0, number);
        }
    }

    /// <summary>Ends the next wait after this time and reports index -1. Accurate to
    /// microseconds, unlike epoll's own timeout, and without spinning on the clock.</summary>
    public void WakeAfter(TimeSpan time)
    {
        if (_timer < 0)
        {
            _timer = timerfd_create(
                1 /* CLOCK_MONOTONIC */
                ,
                0x800 /* TFD_NONBLOCK */
            );
            Watch(_timer, -1);
        }

        // struct itimerspec: the interval (0: once) and the time, in seconds
        // and nanoseconds each. Setting it clears an earlier expiry.
        var spec = stackalloc long[4]
        {
            0,
            0,
            time.Ticks / TimeSpan.TicksPerSecond,
            Math.Max(1, time.Ticks % TimeSpan.TicksPerSecond * 100),
        };
        if (timerfd_settime(_timer, 0, spec, null) != 0)
            throw new Win32Exception();
    }

    /// <summary>Returns the number of bytes read, 0 at the end or
    /// after an error, or -1 when nothing is available.</summary>
    public static int Receive(nint descriptor, Span<byte> into)
    {
        fixed (byte* bytes = into)
        {
            var number = (int)recv(
                (int)descriptor,
                bytes,
                into.Length,
                0x40 /* MSG_DONTWAIT */
            );
            return number >= 0 ? number
                : Marshal.GetLastPInvokeError() is WouldBlock or Interrupted ? -1
                : 0;
        }
    }

    public void Dispose()
    {
        if (_timer >= 0)
            _ = close(_timer);
        _ = close(_descriptor);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int descriptor, int operation, int target, byte* described);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int descriptor, byte* events, int most, int timeout);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int descriptor, byte* buffer, nint length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int timerfd_create(int clock, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int timerfd_settime(int descriptor, int flags, long* specification, long* old);

    [LibraryImport("libc")]
    private static partial int close(int descriptor);
}
