// Is the gradient right? Against differences of the loss inside torch, and against the library's own check of the same
// model. `dotnet run gradcheck.cs`.
#:project ../Bptt.TorchSharp.csproj
#:package TorchSharp-cpu

using Bptt;
using Bptt.TorchSharp;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;
using TorchSharp;
using static TorchSharp.torch;

random.manual_seed(3);
using var layer = new LinearRnnLayer(inputSize: 2, hiddenSize: 5, outputSize: 2, dtype: ScalarType.Float64);
using Tensor inputs = randn(20, 1, 2, dtype: ScalarType.Float64).requires_grad_();
using Tensor targets = randn(20, 1, 2, dtype: ScalarType.Float64);
Loss().backward();

// Every entry of every tensor, moved up and down.
const double Step = 1e-6;
double worst = 0.0;
foreach ((string name, Tensor tensor) in (IEnumerable<(string, Tensor)>)
    [("x", inputs), .. layer.named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter))])
{
    using DisposeScope scope = NewDisposeScope();
    using IDisposable noTape = no_grad();
    (Tensor entries, Tensor gradient) = (tensor.view(-1), tensor.grad!.view(-1));
    double error = 0.0;
    for (long i = 0; i < entries.numel(); i++)
    {
        double value = entries[i].item<double>();
        entries[i] = value + Step;
        double above = Loss().item<double>();
        entries[i] = value - Step;
        double below = Loss().item<double>();
        entries[i] = value;
        error = Math.Max(error, Math.Abs(gradient[i].item<double>() - (above - below) / (2.0 * Step)));
    }
    error /= gradient.abs().max().item<double>();
    worst = Math.Max(worst, error);
    Console.WriteLine($"{name}: {entries.numel()} entries, off by {error:E1} of the largest");
}

// The gradients that torch has, against complex steps and differences of the library.
var forward = ForwardPass.Run(layer.ToModel(), Columns(inputs));
var given = new Gradients(Rows(layer.Whx.grad!), Rows(layer.Whh.grad!), Rows(layer.Wqh.grad!));
var check = GradientCheck.Run(forward, Objective.SquaredError(Columns(targets)), given);
Console.WriteLine($"by the library: {check.Verdict}");
return worst < 1e-7 && check.Verdict == Verdict.Passed ? 0 : 1;

// 1/T Σ ½‖o_t − y_t‖², as Objective.SquaredError has it.
Tensor Loss() => (layer.call(inputs).Outputs - targets).square().sum() * (0.5 / 20);

static Matrix<double> Rows(Tensor matrix) => Matrix<double>.Build.DenseOfRowMajor(
    (int)matrix.shape[0], (int)matrix.shape[1], matrix.detach().contiguous().data<double>().ToArray());

static Matrix<double> Columns(Tensor sequence) => Rows(sequence.squeeze(1)).Transpose();
