// What is timed of the layer: training steps inside torch, and the same gradients without torch. Weights and data are
// the same for all.
//
//   T  steps      B  sequences      d  inputs      h  hidden units      q  outputs

using System.Runtime.InteropServices;
using Bptt.TorchSharp;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Bptt.Benchmarks.Peers.Torch;

internal sealed class LayerWork
{
    private readonly int _steps;
    private readonly int _count;
    private readonly int _h;
    private readonly ExecutionOptions _options;
    private readonly LinearRnnLayer _layer;
    private readonly Parameter[] _weights;
    private readonly optim.Optimizer _layerOptimizer;
    private readonly optim.Optimizer _optimizer;
    private readonly Tensor _inputs;
    private readonly Tensor _targets;
    private readonly float[][] _flat;
    private readonly float[][] _flatGradients;
    private readonly float[] _flatInputs;
    private readonly float[] _flatTargets;
    private readonly float[] _flatOutputs;
    private readonly SequenceBatch _batch;
    private readonly Objective _objective;

    public LayerWork(Shape shape, int threads)
    {
        (_steps, _count, _h) = (shape.Lengths.Max(), shape.Lengths.Count, shape.HiddenSize);
        _options = new ExecutionOptions
        {
            Precision = Precision.Single,
            MaxDegreeOfParallelism = threads,
            Workspace = new Workspace(),
        };
        manual_seed(1);
        LinearRnn model = Initializer.Orthogonal(shape.InputSize, _h, shape.OutputSize, seed: 1, spectralRadius: 0.99);
        _layer = LinearRnnLayer.FromModel(model, options: new LinearRnnOptions { MaxDegreeOfParallelism = threads });
        _weights = [.. _layer.parameters().Select(weight => new Parameter(weight.detach().clone()))];
        // A rate that changes nothing, so that every step computes the same.
        _layerOptimizer = optim.Adam(_layer.parameters(), lr: 1e-30);
        _optimizer = optim.Adam(_weights, lr: 1e-30);
        _inputs = randn(_steps, _count, shape.InputSize);
        _targets = randn(_steps, _count, shape.OutputSize);

        _flat = [.. _layer.parameters().Select(Floats)];
        _flatGradients = Array.ConvertAll(_flat, weights => new float[weights.Length]);
        _flatInputs = Floats(_inputs);
        _flatTargets = Floats(_targets);
        _flatOutputs = new float[_flatTargets.Length];
        _batch = SequenceBatch.FromTensor(
            _flatInputs, _count, _steps, shape.InputSize, TensorOrder.TimeBatchFeature);
        _objective = Objective.SquaredError(SequenceBatch.FromTensor(
            _flatTargets, _count, _steps, shape.OutputSize, TensorOrder.TimeBatchFeature));

        static float[] Floats(Tensor tensor) => tensor.detach().data<float>().ToArray();
    }

    public void Layer()
    {
        LayerGradients();
        _layerOptimizer.step();
    }

    public void LayerGradients()
    {
        using DisposeScope scope = NewDisposeScope();
        _layerOptimizer.zero_grad();
        (Tensor outputs, _) = _layer.call(_inputs);
        Loss(outputs).backward();
    }

    public void BatchedProducts() => Step(() =>
    {
        Tensor[] driven = matmul(_inputs, _weights[0].t()).unbind(0);
        Tensor transposed = _weights[1].t();
        var states = new Tensor[_steps];
        states[0] = driven[0]; // h_0 is zero
        for (int t = 1; t < _steps; t++)
        {
            states[t] = addmm(driven[t], states[t - 1], transposed, 1, 1);
        }
        return matmul(stack(states, 0), _weights[2].t());
    });

    public void StepByStep() => Step(() =>
    {
        Tensor state = zeros(_count, _h);
        var outputs = new Tensor[_steps];
        for (int t = 0; t < _steps; t++)
        {
            state = _inputs[t].mm(_weights[0].t()) + state.mm(_weights[1].t());
            outputs[t] = state.mm(_weights[2].t());
        }
        return stack(outputs, 0);
    });

    /// <summary>What the layer asks of the library, without torch.</summary>
    public void FlatMemory()
    {
        ForwardPass forward = FlatForward(_flatInputs);
        forward.CopyOutputsTo(_flatOutputs, TensorOrder.TimeBatchFeature);
        float factor = 2.0f / _flatOutputs.Length;
        for (int i = 0; i < _flatOutputs.Length; i++)
        {
            _flatOutputs[i] = factor * (_flatOutputs[i] - _flatTargets[i]);
        }
        FlatBackward(forward, _flatOutputs);
    }

    /// <summary>The same, but that torch computes the loss and its derivative: what is left of the layer without its
    /// bridge.</summary>
    public void FlatMemoryTorchLoss()
    {
        using DisposeScope scope = NewDisposeScope();
        ForwardPass forward = FlatForward(_flatInputs);
        Tensor outputs = empty(_targets.shape);
        forward.CopyOutputsTo(MemoryMarshal.Cast<byte, float>(outputs.bytes), TensorOrder.TimeBatchFeature);
        outputs.requires_grad = true;
        Loss(outputs).backward();
        FlatBackward(forward, MemoryMarshal.Cast<byte, float>(outputs.grad!.bytes));
    }

    /// <summary>The library as its own training loop uses it.</summary>
    public void PackedOnce()
    {
        LinearRnn model = Bptt.FlatMemory.CreateModel(_flat[0], _flat[1], _flat[2], _h);
        _ = BackwardThroughTime.Run(ForwardPass.Run(model, _batch, null, _options), _objective);
    }

    /// <summary>Runs all once, and tells by how much gradients differ from those of torch at most.</summary>
    public double Disagreement()
    {
        Layer();
        BatchedProducts();
        double first = Error();
        StepByStep();
        FlatMemory();
        FlatMemoryTorchLoss();
        PackedOnce();
        return Math.Max(first, Error());

        double Error() => _weights.Zip(_layer.parameters()).Max(
            pair => ((pair.Second.grad! - pair.First.grad!).norm() / pair.First.grad!.norm()).ToDouble());
    }

    private ForwardPass FlatForward(ReadOnlySpan<float> inputs)
    {
        LinearRnn model = Bptt.FlatMemory.CreateModel(_flat[0], _flat[1], _flat[2], _h);
        var batch = SequenceBatch.FromTensor(inputs, _count, _steps, model.InputSize, TensorOrder.TimeBatchFeature);
        return ForwardPass.Run(model, batch, null, _options);
    }

    private void FlatBackward(ForwardPass forward, ReadOnlySpan<float> outputGradients)
    {
        BackwardThroughTime backward = forward.Backward(outputGradients, TensorOrder.TimeBatchFeature);
        backward.Gradients.CopyTo(_flatGradients[0], _flatGradients[1], _flatGradients[2]);
    }

    private void Step(Func<Tensor> run)
    {
        using DisposeScope scope = NewDisposeScope();
        _optimizer.zero_grad();
        Loss(run()).backward();
        _optimizer.step();
    }

    private Tensor Loss(Tensor outputs) => nn.functional.mse_loss(outputs, _targets);
}
