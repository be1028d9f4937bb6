// A cluster whose connections are encrypted, by the settings of Orleans. Processes are real.

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Bptt.Orleans.Peer;

namespace Bptt.Orleans.Tests;

public sealed class TlsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("bptt").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task An_encrypted_cluster_has_the_bits_of_one_process_and_takes_nobody_without_its_certificate()
    {
        string ours = NewCertificate("ours");
        string others = NewCertificate("others");
        var problem = Problem.Of("generated", "adam", 5, shards: 3);
        await using Coordinator coordinator = await Coordinator.StartAsync(
            0,
            new BpttClusterOptions { Configure = Meeting.Tls(ours), WorkerTimeout = TimeSpan.FromSeconds(20.0) });
        using var open = PeerProcess.Start("worker", coordinator.Cluster.Address);
        using var wrong = PeerProcess.Start("worker", $"tls:{others}:{coordinator.Cluster.Address}");

        Func<Task> wait = () => coordinator.Cluster.WaitForWorkersAsync(1);
        (await wait.Should().ThrowAsync<BpttClusterException>()).WithMessage("Workers: expected 1*got 0*");

        using var worker = PeerProcess.Start("worker", $"tls:{ours}:{coordinator.Cluster.Address}");
        await coordinator.Cluster.WaitForWorkersAsync(1);

        coordinator.Train(problem).Should().Equal(Coordinator.TrainHere(problem));
        coordinator.Log.Should().Contain($"worker {worker.Id} on")
            .And.NotContain($"worker {open.Id} on").And.NotContain($"worker {wrong.Id} on");
    }

    private string NewCertificate(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using X509Certificate2 certificate = request.CreateSelfSigned(
            DateTimeOffset.UtcNow.AddDays(-1.0), DateTimeOffset.UtcNow.AddDays(1.0));
        string file = Path.Combine(_folder, $"{name}.pfx");
        File.WriteAllBytes(file, certificate.Export(X509ContentType.Pkcs12));
        return file;
    }
}
