// Fits a linear RNN, writes it as ONNX and runs it in ONNX Runtime: once over a whole sequence, and step by step as a
// stream. Run it with
//   dotnet run src/Bptt.Onnx/samples/onnx-runtime.cs
// Beside the packages, instead of the projects of this repository, it needs `#:package Bptt.Onnx@*`.

#:project ../Bptt.Onnx.csproj
#:package Microsoft.ML.OnnxRuntime
#:property IsPackable=false
#:property PublishAot=false

using Bptt;
using Bptt.Files;
using Bptt.Identification;
using Bptt.Onnx;
using MathNet.Numerics.LinearAlgebra;
using Microsoft.ML.OnnxRuntime;

// A heater: power in W, temperature in °C, 400 steps.
const int steps = 400;
var power = Matrix<double>.Build.Dense(1, steps, (_, t) => 500.0 + 300.0 * Math.Cos(0.05 * t * Math.Sqrt(t)));
var temperature = Matrix<double>.Build.Dense(1, steps);
double warmth = 30.0;
for (int t = 0; t < steps; t++)
{
    warmth += 0.1 * (20.0 + 0.04 * power[0, t] - warmth);
    temperature[0, t] = warmth;
}

// The model, with the scaling of its data.
var inputs = Standardizer.Fit(power, "power");
var outputs = Standardizer.Fit(temperature, "temperature");
var found = SubspaceIdentification.Estimate(inputs.Apply(power), outputs.Apply(temperature));
(LinearRnn model, Matrix<double> states) = found.Start(hiddenSize: 2);
var file = new LinearRnnFile(model, states.Column(0), inputs.Channels, outputs.Channels);

// As ONNX, and in ONNX Runtime: (time, batch, channel) in the units of the data.
using var quiet = new SessionOptions // ONNX Runtime warns that another h_0 may be given, as is meant
{
    LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
};
using var session = new InferenceSession(OnnxModel.ToBytes(file), quiet);
using var run = new RunOptions();
double[] values = power.ToColumnMajorArray();
using var all = OrtValue.CreateTensorValueFromMemory(values, [steps, 1, 1]);
using var whole = session.Run(run, ["inputs"], [all], ["outputs"]);
ReadOnlySpan<double> predicted = whole[0].GetTensorDataAsSpan<double>();
double difference = 0.0;
Matrix<double> expected = file.Predict(power);
for (int t = 0; t < steps; t++)
{
    difference = Math.Max(difference, Math.Abs(predicted[t] - expected[0, t]));
}
Console.WriteLine($"last: {predicted[^1]:F3} °C in ONNX Runtime, measured {temperature[0, steps - 1]:F3} °C");
Console.WriteLine($"from Bptt it differs by less than 1e-11: {difference < 1e-11}");

// A stream: each final state is the next initial state.
double[] state = file.InitialState.ToArray();
double last = 0.0;
for (int t = 0; t < steps; t++)
{
    using var input = OrtValue.CreateTensorValueFromMemory(new[] { values[t] }, [1, 1, 1]);
    using var start = OrtValue.CreateTensorValueFromMemory(state, [1, state.Length]);
    using var step = session.Run(run, ["inputs", "initial_state"], [input, start], ["outputs", "final_state"]);
    last = step[0].GetTensorDataAsSpan<double>()[0];
    state = step[1].GetTensorDataAsSpan<double>().ToArray();
}
Console.WriteLine($"step by step the same: {Math.Abs(last - predicted[^1]) < 1e-11}");
