// Truncated back-propagation through time over one long stream: pieces of 50 steps, between which the state is carried
// and the gradient is not; and the same in one call, with a truncation of the layer. `dotnet run truncated.cs`.
#:project ../Bptt.TorchSharp.csproj
#:package TorchSharp-cpu

using Bptt;
using Bptt.TorchSharp;
using TorchSharp;
using static TorchSharp.torch;

const int Steps = 2000;
const int Piece = 50;

// A slow system of the same kind, and what it makes of noise.
random.manual_seed(2);
using var system = new LinearRnnLayer(1, 4, 1, dtype: ScalarType.Float64);
using Tensor inputs = randn(Steps, 8, 1, dtype: ScalarType.Float64);
using Tensor targets = Outputs(system, inputs);

using var layer = new LinearRnnLayer(1, 4, 1, dtype: ScalarType.Float64);
using var adam = optim.Adam(layer.parameters(), lr: 0.01);
(double first, double last) = (double.NaN, double.NaN);
for (int epoch = 1; epoch <= 20; epoch++)
{
    using DisposeScope scope = NewDisposeScope();
    Tensor? state = null;
    double sum = 0.0;
    for (int start = 0; start < Steps; start += Piece)
    {
        (Tensor outputs, Tensor final) = layer.call(inputs.narrow(0, start, Piece), state);
        Tensor loss = nn.functional.mse_loss(outputs, targets.narrow(0, start, Piece));
        adam.zero_grad();
        loss.backward();
        adam.step();
        sum += loss.item<double>();
        state = final.detach(); // carried on, without its gradient
    }
    last = sum * Piece / Steps;
    first = epoch == 1 ? last : first;
    if (epoch is 1 || epoch % 5 == 0)
    {
        Console.WriteLine($"epoch {epoch}: mean squared error {last:G3}");
    }
}

// The gradient of one call that is cut every 50 steps is that of the pieces.
using Tensor pieces = Gradient(() =>
{
    Tensor? state = null;
    Tensor loss = zeros([], ScalarType.Float64);
    foreach (Tensor piece in inputs.split(Piece, 0))
    {
        (Tensor outputs, Tensor final) = layer.call(piece, state);
        loss = loss + outputs.square().sum();
        state = final.detach();
    }
    return loss;
});
layer.Options = new LinearRnnOptions { Truncation = Truncation.Windows(Piece) };
using Tensor windows = Gradient(() => layer.call(inputs).Outputs.square().sum());
using Tensor difference = (pieces - windows).norm() / pieces.norm();
Console.WriteLine($"pieces and windows differ by {difference.item<double>():E1}");
return last < 0.1 * first && difference.item<double>() < 1e-12 ? 0 : 1;

Tensor Gradient(Func<Tensor> loss)
{
    using DisposeScope scope = NewDisposeScope();
    return autograd.grad([loss()], [layer.Whh])[0].MoveToOuterDisposeScope();
}

static Tensor Outputs(LinearRnnLayer layer, Tensor inputs)
{
    using DisposeScope scope = NewDisposeScope();
    using IDisposable noTape = no_grad();
    return layer.call(inputs).Outputs.MoveToOuterDisposeScope();
}
