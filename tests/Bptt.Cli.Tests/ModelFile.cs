// A model.json and what its numbers mean, in plain loops: shares no code with the library.

using System.Text.Json;

namespace Bptt.Cli.Tests;

internal sealed class ModelFile
{
    private readonly JsonElement _root;

    private ModelFile(JsonElement root)
    {
        _root = root;
        Whx = Matrix("whx");
        Whh = Matrix("whh");
        Wqh = Matrix("wqh");
        InitialState = Numbers(root.GetProperty("initialState"));
    }

    public double[][] Whx { get; }

    public double[][] Whh { get; }

    public double[][] Wqh { get; }

    public double[] InitialState { get; }

    public static ModelFile Of(string path) => new(JsonSerializer.Deserialize<JsonElement>(File.ReadAllBytes(path)));

    public (string Name, double Mean, double Scale) Channel(string kind, int index)
    {
        JsonElement channel = _root.GetProperty(kind)[index];
        return (
            channel.GetProperty("name").GetString()!,
            channel.GetProperty("mean").GetDouble(),
            channel.GetProperty("scale").GetDouble());
    }

    /// <summary>The first output over the first input in free run, scaled, from a state that is left at the
    /// end.</summary>
    public double[] Run(double[] input, double[] state)
    {
        double[] outputs = new double[input.Length];
        for (int t = 0; t < input.Length; t++)
        {
            double[] next = new double[state.Length];
            for (int i = 0; i < state.Length; i++)
            {
                next[i] = Whx[i][0] * input[t] + Dot(Whh[i], state);
            }
            next.CopyTo(state, 0);
            outputs[t] = Dot(Wqh[0], state);
        }
        return outputs;
    }

    public static double Dot(double[] left, double[] right) => left.Zip(right, (l, r) => l * r).Sum();

    private double[][] Matrix(string name) => _root.GetProperty(name).EnumerateArray().Select(Numbers).ToArray();

    private static double[] Numbers(JsonElement array) => array.EnumerateArray().Select(n => n.GetDouble()).ToArray();
}
