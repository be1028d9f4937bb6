// A model goes into a file and comes back bit for bit; a damaged file is refused.

using Bptt.Files;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.AotApp;

internal static class ModelFileChecks
{
    public static void Run()
    {
        ForwardPass forward = Problems.Random(2, 5, 1, [3], seed: 7).RunForward();
        var saved = new LinearRnnFile(
            forward.Model,
            forward.InitialStates.Column(0),
            [new Channel("heater", mean: 0.1, scale: 2.0), new Channel("fan")],
            [new Channel("temperature", mean: -1.0 / 3.0)],
            stepsAhead: 1);

        string folder = Directory.CreateTempSubdirectory("bptt").FullName;
        try
        {
            string path = Path.Combine(folder, "model.json");
            saved.Save(path);
            var loaded = LinearRnnFile.Load(path);
            Expect.True("W_hx comes back from a file bit for bit", Same(loaded.Model.Whx, saved.Model.Whx));
            Expect.True("W_hh comes back from a file bit for bit", Same(loaded.Model.Whh, saved.Model.Whh));
            Expect.True("W_qh comes back from a file bit for bit", Same(loaded.Model.Wqh, saved.Model.Wqh));
            Expect.True(
                "h_0 comes back from a file bit for bit", loaded.InitialState.SequenceEqual(saved.InitialState));
            Expect.True("names and scales of the inputs come back", loaded.Inputs.SequenceEqual(saved.Inputs));
            Expect.True("names and scales of the outputs come back", loaded.Outputs.SequenceEqual(saved.Outputs));
            Expect.Equal("model file, steps ahead", loaded.StepsAhead, saved.StepsAhead);

            string text = File.ReadAllText(path);
            File.WriteAllText(path, text[..(text.Length / 2)]);
            Expect.True("a file cut short is refused", IsRefused(path));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static bool IsRefused(string path)
    {
        try
        {
            LinearRnnFile.Load(path);
            return false;
        }
        catch (InvalidDataException)
        {
            return true;
        }
    }

    private static bool Same(Matrix<double> a, Matrix<double> b) =>
        a.ToColumnMajorArray().AsSpan().SequenceEqual(b.ToColumnMajorArray());
}
