// Every reader of files, with the exceptions that it documents; any other leaves it.

using System.Text;
using Bptt.Cli.Console;
using Bptt.Cli.Data;
using Bptt.Files;
using Bptt.Forecasting;
using Bptt.Onnx;
using Bptt.Optimization;
using Bptt.Training;

namespace Bptt.Fuzz;

internal static class Targets
{
    private static readonly string Scratch = Path.Combine(
        Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"bptt-fuzz-{Environment.ProcessId}.json");

    public static IReadOnlyDictionary<string, Action<byte[]>> All { get; } = new Dictionary<string, Action<byte[]>>
    {
        ["model"] = Documented(file => LinearRnnFile.Load(file)),
        ["forecaster"] = Documented(file => Forecaster.Load(file)),
        ["checkpoint"] = Checkpoint,
        ["safetensors"] = Documented(file => SafeTensorsFile.Load(file)),
        ["npy"] = Documented(file => NumPyFile.Load(file)),
        ["npz"] = Documented(file => NumPyFile.LoadArchive(file)),
        ["onnx"] = Documented(file => OnnxModel.Load(file)),
        ["csv"] = Csv,
    };

    private static Action<byte[]> Documented(Action<Stream> read) => bytes =>
    {
        try
        {
            read(new MemoryStream(bytes, writable: false));
        }
        catch (InvalidDataException)
        {
            // refused, as documented
        }
    };

    private static void Checkpoint(byte[] bytes)
    {
        File.WriteAllBytes(Scratch, Seeds.WithChecksum(bytes));
        try
        {
            Seeds.Train(new TrainerOptions
            {
                Optimizer = new Adam(),
                WindowLength = 2,
                MaxEpochs = 1,
                ResumeFrom = Scratch,
            });
        }
        catch (InvalidDataException)
        {
            // refused, as documented
        }
        catch (ArgumentException e) when (e.Message.Contains("the training that was saved", StringComparison.Ordinal))
        {
            // another training, as documented
        }
    }

    private static void Csv(byte[] bytes)
    {
        try
        {
            CsvTable.Read(new StringReader(Encoding.UTF8.GetString(bytes)), "data.csv");
        }
        catch (DataFaultException)
        {
            // told to the user
        }
    }
}
