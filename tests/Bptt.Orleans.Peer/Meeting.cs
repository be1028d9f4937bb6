// Where the processes of a cluster meet, from one word.

using System.Security.Cryptography.X509Certificates;
using Npgsql;
using Orleans.Connections.Security;

namespace Bptt.Orleans.Peer;

public static class Meeting
{
    /// <summary>Options of a worker from HOST:PORT, redis:HOST:PORT, postgres:HOST:PORT or
    /// tls:CERTIFICATE:HOST:PORT.</summary>
    public static BpttClusterOptions Of(string word) => word.Split(':') switch
    {
        ["redis", string host, string port] => new BpttClusterOptions { Redis = $"{host}:{port}" },
        ["postgres", string host, string port] => new BpttClusterOptions { AdoNet = Database(host, port) },
        ["tls", string file, string host, string port] =>
            new BpttClusterOptions { Join = $"{host}:{port}", Configure = Tls(file) },
        _ => new BpttClusterOptions { Join = word },
    };

    /// <summary>A database that trusts everybody who reaches it, as <see cref="BpttClusterOptions.AdoNet"/> names
    /// it.</summary>
    public static (string Invariant, string ConnectionString) Database(string host, string port) =>
        ("Npgsql", $"Host={host};Port={port};Username=postgres;Database=postgres");

    /// <summary>Makes the tables and the queries that Orleans asks a database for.</summary>
    public static void MakeTables(string host, string port)
    {
        using Stream script = typeof(Meeting).Assembly.GetManifestResourceStream("members")!;
        using var reader = new StreamReader(script);
        using var connection = new NpgsqlConnection(Database(host, port).ConnectionString);
        connection.Open();
        using NpgsqlCommand command = connection.CreateCommand();
        command.CommandText = reader.ReadToEnd();
        command.ExecuteNonQuery();
    }

    /// <summary>Connections that are encrypted, and taken from those alone who have the same certificate.</summary>
    /// <param name="file">The certificate with its key (PKCS #12, no password).</param>
    public static Action<ISiloBuilder> Tls(string file)
    {
        X509Certificate2 certificate = X509CertificateLoader.LoadPkcs12FromFile(file, password: null);
        return silo => silo.UseTls(certificate, options =>
        {
            options.LocalCertificate = certificate;
            options.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
            options.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
            options.RemoteCertificateValidation = (other, _, _) => other.Thumbprint == certificate.Thumbprint;
            options.OnAuthenticateAsClient = (_, authentication) =>
                authentication.TargetHost = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
        });
    }
}
