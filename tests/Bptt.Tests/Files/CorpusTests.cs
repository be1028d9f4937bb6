// The files that fuzzing found to reach different code (tests/Bptt.Fuzz/corpus): each is read, or refused by
// InvalidDataException.

using Bptt.Files;
using Bptt.Forecasting;
using Bptt.Tests.Architecture;

namespace Bptt.Tests.Files;

public class CorpusTests
{
    private static readonly Dictionary<string, Action<Stream>> Readers = new()
    {
        ["model"] = file => LinearRnnFile.Load(file),
        ["forecaster"] = file => Forecaster.Load(file),
        ["safetensors"] = file => SafeTensorsFile.Load(file),
        ["npy"] = file => NumPyFile.Load(file),
        ["npz"] = file => NumPyFile.LoadArchive(file),
    };

    public static TheoryData<string> Kinds => [.. Readers.Keys];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Every_file_is_read_or_refused(string kind)
    {
        string[] files = Directory.GetFiles(Path.Combine(Repository.Root(), "tests/Bptt.Fuzz/corpus", kind));
        int read = 0;
        foreach (string file in files)
        {
            try
            {
                Readers[kind](new MemoryStream(File.ReadAllBytes(file)));
                read++;
            }
            catch (InvalidDataException)
            {
                // refused, as documented
            }
            catch (Exception e)
            {
                throw new InvalidOperationException(file, e);
            }
        }
        read.Should().BePositive("the first files are right");
    }
}
