// Random damage to files of weights: each is either read or refused by InvalidDataException, nothing else.

using Bptt.Files;
using static Bptt.Tests.Files.WeightFiles;

namespace Bptt.Tests.Files;

public class DamagedWeightFileTests
{
    public static TheoryData<string> Kinds => ["safetensors", "npy", "npz"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Ten_thousand_damaged_files_are_read_or_refused(string kind) => Damage(kind, seed: 61, count: 10_000);

    [Theory]
    [MemberData(nameof(Kinds))]
    [Trait("Category", "Long")]
    public void A_million_damaged_files_are_read_or_refused(string kind) =>
        Damage(kind, Environment.TickCount, count: 1_000_000);

    private static void Damage(string kind, int seed, int count)
    {
        var random = new Random(seed);
        (byte[][] files, Action<Stream> load) = Originals(kind);
        Array.ForEach(files, file => load(new MemoryStream(file)));
        int refused = 0;
        for (int i = 0; i < count; i++)
        {
            byte[] file = Mutated(files[random.Next(files.Length)], random);
            try
            {
                load(i % 2 == 0 ? new MemoryStream(file) : new TrickleStream(file));
            }
            catch (InvalidDataException)
            {
                refused++;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException(
                    $"{kind}, seed {seed}, file {i}: {Convert.ToBase64String(file)}", e);
            }
        }
        refused.Should().BeInRange(count / 10, count - 1, "of {0}, seed {1}", kind, seed);
    }

    private static (byte[][] Files, Action<Stream> Load) Originals(string kind)
    {
        LinearRnn model = new Examples(seed: 1).Model(2, 3, 1);
        IReadOnlyDictionary<string, StoredTensor> tensors = WeightNames.Keras.ToTensors(model, Precision.Single);
        return kind switch
        {
            "safetensors" => (
                [
                    Bytes(new SafeTensorsFile(tensors, [new("format", "pt")]).Save),
                    SafeTensors(
                        """{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"""
                            + """ "b":{"dtype":"I8","shape":[],"data_offsets":[4,5]}}""",
                        1, 2, 3, 4, 5),
                ],
                stream => SafeTensorsFile.Load(stream)),
            "npy" => (
                [
                    Bytes(stream => NumPyFile.Save(stream, StoredTensor.Of(model.Whx), MatrixOrder.ColumnMajor)),
                    NumPy("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", Floats(1, 2)),
                ],
                stream => NumPyFile.Load(stream)),
            _ => ([Bytes(stream => NumPyFile.SaveArchive(stream, tensors))], stream => NumPyFile.LoadArchive(stream)),
        };
    }

    /// <summary>One to four of: a byte changed, bits flipped, bytes cut out, put in or doubled, the end cut off or
    /// added to, a digit changed.</summary>
    private static byte[] Mutated(byte[] original, Random random)
    {
        List<byte> file = [.. original];
        for (int k = random.Next(1, 5); k > 0 && file.Count > 1; k--)
        {
            int at = random.Next(3) == 0 ? random.Next(Math.Min(file.Count, 16)) : random.Next(file.Count);
            int length = random.Next(1, Math.Min(9, file.Count - at + 1));
            switch (random.Next(7))
            {
                case 0:
                    file[at] = (byte)random.Next(256);
                    break;
                case 1:
                    file[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    file.RemoveRange(at, length);
                    break;
                case 3:
                    file.InsertRange(at, Enumerable.Range(0, length).Select(_ => (byte)random.Next(256)));
                    break;
                case 4:
                    file.InsertRange(at, file.GetRange(at, length));
                    break;
                case 5:
                    file.RemoveRange(at, file.Count - at);
                    break;
                default:
                    int digit = file.FindIndex(at, b => b is >= (byte)'0' and <= (byte)'9');
                    if (digit >= 0)
                    {
                        file[digit] = (byte)('0' + random.Next(10));
                    }
                    break;
            }
        }
        return [.. file];
    }
}
