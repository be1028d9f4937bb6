// A fitted model in a pipeline of ML.NET: rows hold a sequence each, ApplyOnnxModel predicts its outputs. Run it with
//   dotnet run src/Bptt.Onnx/samples/ml-net.cs
// Beside the packages, instead of the projects of this repository, it needs `#:package Bptt.Onnx@*`.

#:project ../Bptt.Onnx.csproj
#:package Microsoft.ML
#:package Microsoft.ML.OnnxTransformer
#:package Microsoft.ML.OnnxRuntime
#:property IsPackable=false
#:property PublishAot=false

using Bptt;
using Bptt.Files;
using Bptt.Onnx;
using Bptt.Remedies;
using MathNet.Numerics.LinearAlgebra;
using Microsoft.ML;
using Microsoft.ML.Data;

const int steps = 50;
const int inputCount = 2;
const int outputCount = 1;

// A model with its units, as a file of `bptt fit` would hold it, in single precision: ML.NET has no double here.
LinearRnn model = Initializer.Orthogonal(inputCount, 4, outputCount, seed: 1, spectralRadius: 0.9);
var file = new LinearRnnFile(
    model,
    inputs: [new Channel("valve", 40.0, 15.0), new Channel("load", 3.0, 0.5)],
    outputs: [new Channel("temperature", 80.0, 10.0)]);
string path = Path.Combine(Directory.CreateTempSubdirectory().FullName, "model32.onnx");
OnnxModel.Save(file, path, new OnnxOptions { Precision = Precision.Single });

var context = new MLContext(seed: 1);
var pipeline = context.Transforms.ApplyOnnxModel(
    ["outputs"],
    ["inputs"],
    path,
    new Dictionary<string, int[]>
    {
        ["inputs"] = [steps, 1, inputCount],
        ["outputs"] = [steps, 1, outputCount],
    },
    gpuDeviceId: null,
    fallbackToCpu: false);

// Three sequences.
var random = new Random(1);
Row[] rows = [.. Enumerable.Range(0, 3).Select(_ => new Row
{
    Inputs = [.. Enumerable.Range(0, steps).SelectMany(_ => new[] { 30f + 20f * random.NextSingle(), 3f })],
})];
var schema = SchemaDefinition.Create(typeof(Row));
SchemaDefinition.Column column = schema[nameof(Row.Inputs)];
column.ColumnName = "inputs";
column.ColumnType = new VectorDataViewType(NumberDataViewType.Single, steps, 1, inputCount);
IDataView data = context.Data.LoadFromEnumerable(rows, schema);
float[][] predicted = [.. pipeline.Fit(data).Transform(data)
    .GetColumn<VBuffer<float>>("outputs").Select(outputs => outputs.DenseValues().ToArray())];

double difference = 0.0;
for (int i = 0; i < rows.Length; i++)
{
    var inputs = Matrix<double>.Build.DenseOfColumnMajor(
        inputCount, steps, Array.ConvertAll(rows[i].Inputs, value => (double)value));
    Matrix<double> expected = file.Predict(inputs);
    for (int t = 0; t < steps; t++)
    {
        difference = Math.Max(difference, Math.Abs(predicted[i][t] - expected[0, t]));
    }
}
Console.WriteLine($"last: {predicted[0][^1]:F2} °C in ML.NET");
Console.WriteLine($"from Bptt it differs by less than 1e-3: {difference < 1e-3}");

internal sealed class Row
{
    public float[] Inputs { get; set; } = [];
}
