// Two layers with a ReLU between, trained by torch's Adam: a network that learns the absolute value of a delayed
// signal, which no linear model can. `dotnet run stack.cs`.
#:project ../Bptt.TorchSharp.csproj
#:package TorchSharp-cpu

using Bptt.TorchSharp;
using TorchSharp;
using static TorchSharp.torch;

const int Steps = 60;
const int Sequences = 32;

random.manual_seed(1);
using Tensor inputs = randn(Steps, Sequences, 1);   // (time, batch, feature)
using Tensor targets = inputs.roll(3, 0).abs();     // what was three steps ago, without its sign
targets[..3] = 0.0;

using var lower = new LinearRnnLayer(inputSize: 1, hiddenSize: 16, outputSize: 16);
using var upper = new LinearRnnLayer(inputSize: 16, hiddenSize: 16, outputSize: 1);
using var adam = optim.Adam([.. lower.parameters(), .. upper.parameters()], lr: 0.01);

double loss = double.NaN;
for (int step = 1; step <= 400; step++)
{
    using DisposeScope scope = NewDisposeScope(); // every tensor of the step goes with it
    (Tensor hidden, _) = lower.call(inputs);
    (Tensor outputs, _) = upper.call(hidden.relu());
    Tensor error = nn.functional.mse_loss(outputs, targets);
    adam.zero_grad();
    error.backward();
    adam.step();
    loss = error.item<float>();
    if (step is 1 || step % 100 == 0)
    {
        Console.WriteLine($"step {step}: mean squared error {loss:F4}");
    }
}

using Tensor variance = targets.var();
Console.WriteLine($"the best constant has {variance.item<float>():F4}");
return loss < 0.2 * variance.item<float>() ? 0 : 1;
