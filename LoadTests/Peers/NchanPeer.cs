using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using LoadTests.Chaos;

namespace LoadTests.Peers;

/// <summary>nginx with the Nchan module, as Debian has them: one worker a processor, messages in memory.</summary>
internal sealed class NchanPeer : Peer
{
    private static readonly string[] Modules = ["/usr/lib/nginx/modules/ngx_nchan_module.so", "/usr/share/nginx/modules/ngx_nchan_module.so"];
    private readonly Process _nginx;
    private readonly string _folder;
    private readonly Uri _address;

    private NchanPeer(Process nginx, string folder, int port) : base("Nchan") => (_nginx, _folder, _address) = (nginx, folder, new Uri($"http://127.0.0.1:{port}"));

    public override Uri Subscribe => new(_address, "/sse");
    public override IReadOnlyList<int> Processes => ProcessTable.Family(_nginx.Id);

    public static async Task<NchanPeer> StartAsync(CancellationToken cancellationToken)
    {
        var module = Modules.FirstOrDefault(File.Exists) ?? throw new LoadTestException("--peers nchan needs nginx with Nchan: apt-get install -y nginx-core libnginx-mod-nchan.");
        var (folder, port) = (Directory.CreateTempSubdirectory("nchan-").FullName, FreePort());
        var configuration = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(configuration, $$"""
            load_module {{module}};
            daemon off;
            pid {{folder}}/nginx.pid;
            error_log {{folder}}/error.log warn;
            {{(Environment.UserName == "root" ? "user root;" : "")}}
            worker_processes {{Environment.ProcessorCount}};
            worker_rlimit_nofile 20000;
            events { worker_connections 10000; }
            http {
              access_log off;
              keepalive_requests 1000000;
              nchan_shared_memory_size 256M;
              client_body_temp_path {{folder}}/body; proxy_temp_path {{folder}}/proxy; fastcgi_temp_path {{folder}}/fastcgi; uwsgi_temp_path {{folder}}/uwsgi; scgi_temp_path {{folder}}/scgi;
              server {
                listen 127.0.0.1:{{port}} backlog=4096;
                location = /sse { nchan_subscriber eventsource; nchan_channel_id load; nchan_subscriber_first_message newest; nchan_subscriber_timeout 0; nchan_eventsource_ping_interval 15; }
                location = /pub { nchan_publisher; nchan_channel_id load; nchan_message_buffer_length 1000; nchan_message_timeout 1m; }
              }
            }
            """, cancellationToken);
        var start = new ProcessStartInfo("nginx", ["-p", folder, "-c", configuration]) { RedirectStandardError = true };
        var peer = new NchanPeer(Process.Start(start) ?? throw new LoadTestException("nginx did not start."), folder, port);
        for (var tries = 0; ProcessTable.ListenerOf(port) is null; tries++)
        {
            if (peer._nginx.HasExited || tries > 50) throw new LoadTestException($"nginx did not start: {(peer._nginx.HasExited ? await peer._nginx.StandardError.ReadToEndAsync(cancellationToken) : "it does not listen")}");
            await Task.Delay(100, cancellationToken);
        }
        return peer;
    }

    public override async ValueTask DisposeAsync()
    {
        if (!_nginx.HasExited)
        {
            // The workers end with their master.
            using var stop = Process.Start("kill", ["-TERM", $"{_nginx.Id}"]);
            await Task.WhenAny(_nginx.WaitForExitAsync(), Task.Delay(TimeSpan.FromSeconds(5)));
            if (!_nginx.HasExited) _nginx.Kill(entireProcessTree: true);
        }
        _nginx.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    protected override HttpRequestMessage Request(byte[] data) => new(HttpMethod.Post, new Uri(_address, "/pub")) { Content = Json(data) };

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
