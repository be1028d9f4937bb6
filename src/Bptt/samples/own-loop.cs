// A training loop of one's own: mini-batches of sequences of different lengths, clipped gradients, momentum, and
// buffers that are reused. Run it with
//   dotnet run src/Bptt/samples/own-loop.cs
// Beside the package, instead of the project of this repository, it needs `#:package Bptt@*`.

#:project ../Bptt.csproj
#:property IsPackable=false
#:property PublishAot=false

using Bptt;
using Bptt.Remedies;
using MathNet.Numerics.LinearAlgebra;

// 32 sequences of 20 to 82 steps, as a model with known weights answers them.
var truth = Initializer.Orthogonal(inputSize: 2, hiddenSize: 4, outputSize: 1, seed: 7, spectralRadius: 0.8);
var random = new Random(1);
var inputs = SequenceBatch.Pack([.. Enumerable.Range(0, 32).Select(i =>
    Matrix<double>.Build.Dense(2, 20 + 2 * i, (_, _) => random.NextDouble() - 0.5))]);
SequenceBatch targets = ForwardPass.Run(truth, inputs).OutputBatch();

LinearRnn model = Initializer.Orthogonal(2, 8, 1, seed: 1, spectralRadius: 0.9);
var clipping = new GlobalNormClipping(0.1);
var options = new ExecutionOptions { Workspace = new Workspace() };
var velocity = (
    Whx: Matrix<double>.Build.Dense(8, 2),
    Whh: Matrix<double>.Build.Dense(8, 8),
    Wqh: Matrix<double>.Build.Dense(1, 8));
double before = LossOf(model);
for (int update = 0; update < 2000; update++)
{
    int[] chosen = [.. Enumerable.Range(0, 8).Select(_ => random.Next(inputs.Count)).Distinct()];
    var forward = ForwardPass.Run(model, inputs.Select(chosen), options: options);
    var backward = BackwardThroughTime.Run(forward, Objective.SquaredError(targets.Select(chosen)));
    Gradients g = clipping.Apply(backward.Gradients).Gradients;

    velocity = (0.9 * velocity.Whx - 0.2 * g.Whx, 0.9 * velocity.Whh - 0.2 * g.Whh, 0.9 * velocity.Wqh - 0.2 * g.Wqh);
    model = new LinearRnn(model.Whx + velocity.Whx, model.Whh + velocity.Whh, model.Wqh + velocity.Wqh);
}
double after = LossOf(model);
Console.WriteLine($"loss {before:E2} → {after:E2}");
Console.WriteLine($"a thousandth of it or less: {after <= before / 1000}");

double LossOf(LinearRnn weights) => Objective.SquaredError(targets).Loss(ForwardPass.Run(weights, inputs));
