// The examples in the documentation of the layer, compiled and run. ExampleTests compares them with the comments.

using Bptt;
using Bptt.TorchSharp;

namespace DocumentationExample; // outside Bptt, as a user's code is

internal static class DocumentationExamples
{
    /// <summary>Each example by the type that it is an example of; it writes what it prints.</summary>
    public static Dictionary<string, Action<TextWriter>> All { get; } = new()
    {
        ["LinearRnnFunction"] = OfLinearRnnFunction,
        ["LinearRnnLayer"] = OfLinearRnnLayer,
        ["LinearRnnOptions"] = OfLinearRnnOptions,
    };

    private static void OfLinearRnnFunction(TextWriter Console)
    {
        // example of LinearRnnFunction from here
        // One sequence of three steps through two hidden units.
        double[,] rows = { { 0.5, -0.5 }, { 0.5, 0.5 } };
        Tensor whh = from_array(rows).requires_grad_();
        Tensor whx = ones(2, 1, dtype: ScalarType.Float64).requires_grad_();
        Tensor wqh = ones(1, 2, dtype: ScalarType.Float64).requires_grad_();
        Tensor x = linspace(1.0, 3.0, 3, dtype: ScalarType.Float64).view(3, 1, 1);
        (Tensor outputs, Tensor finalStates) = LinearRnnFunction.apply(x, whx, whh, wqh);
        (outputs.square().sum() + finalStates.sum()).backward();
        LinearRnnFunction.ThrowIfBackwardFailed();
        Console.WriteLine($"o_3 = {outputs[2, 0, 0].item<double>()}, ∂L/∂W_hx has {whx.grad!.numel()} entries");
        // example of LinearRnnFunction to here
    }

    private static void OfLinearRnnLayer(TextWriter Console)
    {
        // example of LinearRnnLayer from here
        // Two layers with a nonlinearity between, trained by torch.
        using var lower = new LinearRnnLayer(inputSize: 1, hiddenSize: 8, outputSize: 8);
        using var upper = new LinearRnnLayer(inputSize: 8, hiddenSize: 8, outputSize: 1);
        using var adam = optim.Adam([.. lower.parameters(), .. upper.parameters()], lr: 0.01);
        Tensor x = randn(50, 16, 1); // 50 steps of 16 sequences
        Tensor y = x.roll(2, 0).abs();
        for (int step = 1; step <= 20; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            (Tensor hidden, _) = lower.call(x);
            (Tensor outputs, _) = upper.call(hidden.relu());
            Tensor loss = nn.functional.mse_loss(outputs, y);
            adam.zero_grad();
            loss.backward();
            adam.step();
            if (step % 10 == 0)
            {
                Console.WriteLine($"step {step}: loss {loss.item<float>():F3}");
            }
        }

        // The weights as a model of the library, and a layer from it.
        LinearRnn model = lower.ToModel();
        using var copy = LinearRnnLayer.FromModel(model, dtype: ScalarType.Float64);
        // example of LinearRnnLayer to here
    }

    private static void OfLinearRnnOptions(TextWriter Console)
    {
        // example of LinearRnnOptions from here
        // Gradients that go back 50 steps, in at most 64 MB of states and state gradients.
        var options = new LinearRnnOptions { Truncation = Truncation.Lags(50), MemoryBudget = 64 << 20 };
        using var layer = new LinearRnnLayer(inputSize: 3, hiddenSize: 32, outputSize: 2, options: options);
        layer.call(randn(1000, 4, 3)).Outputs.sum().backward();
        Console.WriteLine($"{options.Truncation}: ‖∂L/∂W_hh‖ = {layer.Whh.grad!.norm().item<float>():G3}");
        // example of LinearRnnOptions to here
    }
}
