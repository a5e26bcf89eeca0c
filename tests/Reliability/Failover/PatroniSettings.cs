namespace Reliability.Failover;

/// <summary>The ports of a member. Links are what others use.</summary>
internal readonly record struct MemberPorts(int Postgres, int PostgresLink, int Rest, int RestLink, int Etcd);

/// <summary>The settings that the members of a cluster share.</summary>
/// <param name="EtcdPort">The port of etcd.</param>
/// <param name="Password">The password of every role.</param>
/// <param name="Synchronous">True: a commit waits for a standby, and no other one is promoted.</param>
internal sealed record PatroniSettings(int EtcdPort, string Password, bool Synchronous)
{
    /// <summary>Patroni's documented minimum: a member that is silent for so long loses its leadership.</summary>
    public const int LeaseSeconds = 20;

    public string ConnectionString(string hosts, string database) =>
        $"Host={hosts};Database={database};Username=postgres;Password={Password};Pooling=false;Timeout=3";

    /// <summary>Returns the configuration of a member.</summary>
    /// <remarks>https://patroni.readthedocs.io/en/latest/yaml_configuration.html</remarks>
    public string Text(string name, string folder, string programs, MemberPorts ports) =>
        $$"""
            scope: failover
            name: {{name}}
            restapi:
              listen: 127.0.0.1:{{ports.Rest}}
              connect_address: 127.0.0.1:{{ports.RestLink}}
            etcd3:
              host: 127.0.0.1:{{ports.Etcd}}
              # Or Patroni would ask etcd for its own address and pass by the link.
              use_proxies: true
            bootstrap:
              dcs:
                ttl: {{LeaseSeconds}}
                loop_wait: 1
                retry_timeout: 3
                maximum_lag_on_failover: 16777216
                primary_stop_timeout: 5
                synchronous_mode: {{(Synchronous ? "true" : "false")}}
                synchronous_mode_strict: {{(Synchronous ? "true" : "false")}}
                postgresql:
                  use_pg_rewind: true
                  parameters:
                    fsync: "on"
                    full_page_writes: "on"
                    synchronous_commit: "on"
                    wal_log_hints: "on"
                    wal_keep_size: 256MB
                    max_wal_size: 512MB
                    max_connections: 200
                    shared_buffers: 96MB
                    wal_sender_timeout: 10s
                    wal_receiver_timeout: 10s
                    wal_retrieve_retry_interval: 500ms
                    # A stop waits for clients that have not said who they are, as those behind a silent link.
                    authentication_timeout: 5s
                    timezone: UTC
              initdb:
                - encoding: UTF8
                - locale: C
                - no-instructions
            postgresql:
              listen: 127.0.0.1:{{ports.Postgres}}
              connect_address: 127.0.0.1:{{ports.PostgresLink}}
              data_dir: {{folder}}/data
              bin_dir: {{programs}}
              pgpass: {{folder}}/pgpass
              # A copy of the primary waits for a checkpoint, which otherwise takes minutes.
              basebackup: [checkpoint: fast]
              remove_data_directory_on_diverged_timelines: true
              parameters:
                unix_socket_directories: ""
              pg_hba:
                - host all all 127.0.0.1/32 scram-sha-256
                - host replication all 127.0.0.1/32 scram-sha-256
              authentication:
                superuser: { username: postgres, password: "{{Password}}" }
                replication: { username: replicator, password: "{{Password}}" }
                rewind: { username: rewinder, password: "{{Password}}" }
            tags: { nofailover: false }

            """;
}
