// A model run by ONNX Runtime, in either precision and order.

using Bptt.Files;
using MathNet.Numerics.LinearAlgebra;
using Microsoft.ML.OnnxRuntime;

namespace Bptt.Onnx.Tests;

/// <summary>A written model, as ONNX Runtime reads it.</summary>
internal sealed class Session(LinearRnnFile file, OnnxOptions options) : IDisposable
{
    private readonly InferenceSession _session = new(OnnxModel.ToBytes(file, options));

    public ModelMetadata Metadata => _session.ModelMetadata;

    public IReadOnlyDictionary<string, NodeMetadata> Inputs => _session.InputMetadata;

    public IReadOnlyDictionary<string, NodeMetadata> Overridable => _session.OverridableInitializerMetadata;

    public IReadOnlyDictionary<string, NodeMetadata> Outputs => _session.OutputMetadata;

    public void Dispose() => _session.Dispose();

    /// <summary>Runs sequences of equal length.</summary>
    /// <param name="inputs">d×T for each sequence.</param>
    /// <param name="states">h×B, or h×1 for all; the model's own where null.</param>
    /// <returns>q×T for each sequence, and h×B.</returns>
    public (Matrix<double>[] Outputs, Matrix<double> FinalStates) Run(
        Matrix<double>[] inputs, Matrix<double>? states = null)
    {
        (int count, int steps) = (inputs.Length, inputs[0].ColumnCount);
        double[] flat = Flat(inputs);
        long[] shape = options.Order == TensorOrder.TimeBatchFeature
            ? [steps, count, file.Model.InputSize] : [count, steps, file.Model.InputSize];
        var names = new List<string> { "inputs" };
        var values = new List<OrtValue> { Value(flat, shape) };
        if (states is not null)
        {
            names.Add("initial_state");
            values.Add(Value(states.ToColumnMajorArray(), [states.ColumnCount, states.RowCount]));
        }
        using var run = new RunOptions();
        using IDisposableReadOnlyCollection<OrtValue> results =
            _session.Run(run, names, values, ["outputs", "final_state"]);
        values.ForEach(value => value.Dispose());
        return (Sequences(Numbers(results[0]), count, steps),
            Matrix<double>.Build.Dense(file.Model.HiddenSize, count, Numbers(results[1])));
    }

    private double[] Flat(Matrix<double>[] inputs)
    {
        (int count, int steps, int rows) = (inputs.Length, inputs[0].ColumnCount, inputs[0].RowCount);
        double[] flat = new double[count * steps * rows];
        for (int b = 0; b < count; b++)
        {
            for (int t = 0; t < steps; t++)
            {
                for (int i = 0; i < rows; i++)
                {
                    flat[Place(b, t, count, steps) * rows + i] = inputs[b][i, t];
                }
            }
        }
        return flat;
    }

    private Matrix<double>[] Sequences(double[] flat, int count, int steps)
    {
        int rows = file.Model.OutputSize;
        return [.. Enumerable.Range(0, count).Select(b => Matrix<double>.Build.Dense(
            rows, steps, (i, t) => flat[Place(b, t, count, steps) * rows + i]))];
    }

    private int Place(int sequence, int step, int count, int steps) =>
        options.Order == TensorOrder.TimeBatchFeature ? step * count + sequence : sequence * steps + step;

    private OrtValue Value(double[] numbers, long[] shape) => options.Precision == Precision.Double
        ? OrtValue.CreateTensorValueFromMemory(numbers, shape)
        : OrtValue.CreateTensorValueFromMemory(Array.ConvertAll(numbers, number => (float)number), shape);

    private double[] Numbers(OrtValue value) => options.Precision == Precision.Double
        ? value.GetTensorDataAsSpan<double>().ToArray()
        : Array.ConvertAll(value.GetTensorDataAsSpan<float>().ToArray(), number => (double)number);
}
