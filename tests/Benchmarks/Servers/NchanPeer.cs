using Harness;
using LocalServices;
using Measuring;

namespace Benchmarks.Servers;

/// <summary>nginx with the Nchan module, as packaged by Debian and fetched
/// when not installed. One worker a processor, messages in memory.</summary>
internal sealed class NchanPeer : Peer
{
    private const string Module = "usr/lib/nginx/modules/ngx_nchan_module.so",
        Program = "usr/sbin/nginx";
    private static LocalProgram? _program;

    private NchanPeer(Uri address, SystemProcess nginx, string folder)
        : base("Nchan", address, () => nginx.Processes, nginx, folder) { }

    /// <summary>Finds or fetches Nchan. Returns null, or the reason why it cannot be measured here.</summary>
    public static string? Find()
    {
        try
        {
            _program = LocalProgram.Find(
                Path.Combine(Repository.Root, ".local", "tools"),
                "Nchan",
                File.Exists("/" + Module) ? ["/" + Program] : [],
                "-v",
                ["nginx", "libnginx-mod-nchan"],
                Program,
                "Install it (Debian, Ubuntu: sudo apt-get install -y nginx-core libnginx-mod-nchan)."
            );
            // The module needs this folder for large messages, whatever its configuration says.
            Directory.CreateDirectory("/var/lib/nginx");

            return null;
        }
        catch (LocalServicesException e)
        {
            return e.Message;
        }
        catch (UnauthorizedAccessException)
        {
            return "Nchan needs the folder /var/lib/nginx, which only root can create. "
                + "Install it (Debian, Ubuntu: sudo apt-get install -y nginx-core libnginx-mod-nchan).";
        }
    }

    public override async Task<Peer> StartAnotherAsync(CancellationToken cancellationToken) =>
        await StartAsync(cancellationToken);

    public static async Task<NchanPeer> StartAsync(CancellationToken cancellationToken)
    {
        var address = FreeAddress();
        var folder = Directory.CreateTempSubdirectory("nchan-").FullName;
        var configuration = Path.Combine(folder, "nginx.conf");

        await File.WriteAllTextAsync(configuration, Configure(folder, address.Port), cancellationToken);

        var nginx = new SystemProcess(
            "nginx",
            [_program!.File, "-p", folder, "-c", configuration],
            _ => Task.FromResult(ProcessTable.ListenerOf(address.Port) is not null),
            _program.Libraries is null
                ? null
                : new Dictionary<string, string> { ["LD_LIBRARY_PATH"] = _program.Libraries }
        );

        return await StartedAsync(new NchanPeer(address, nginx, folder), nginx, cancellationToken);
    }

    private static string Configure(string folder, int port) =>
        $$"""
            load_module {{_program!.File[..^Program.Length]}}{{Module}};
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
                client_body_temp_path {{folder}}/body;
                proxy_temp_path {{folder}}/proxy;
                fastcgi_temp_path {{folder}}/fastcgi;
                uwsgi_temp_path {{folder}}/uwsgi;
                scgi_temp_path {{folder}}/scgi;
              server {
                listen 127.0.0.1:{{port}} backlog=4096;
                location = /sse {
                  nchan_subscriber eventsource;
                  nchan_channel_id load;
                  nchan_subscriber_first_message newest;
                  nchan_subscriber_timeout 0;
                  nchan_eventsource_ping_interval 15;
                }
                location = /pub {
                  nchan_publisher;
                  nchan_channel_id load;
                  nchan_message_buffer_length 1000;
                  nchan_message_timeout 1m;
                }
              }
            }
            """;
}
