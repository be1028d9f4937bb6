// The layer as a module: parameters, conversion, saving, moving, hooks, training.

using MathNet.Numerics.LinearAlgebra;
using Bptt.Verification;
using static TorchSharp.torch.nn;

namespace Bptt.TorchSharp.Tests;

public class LayerTests
{
    [Fact]
    public void Parameters_have_the_names_and_shapes_that_are_documented()
    {
        using var layer = new LinearRnnLayer(inputSize: 3, hiddenSize: 5, outputSize: 2);

        Dictionary<string, Tensor> state = layer.state_dict();

        state.Keys.Should().Equal("weight_hx", "weight_hh", "weight_qh");
        state["weight_hx"].shape.Should().Equal(5, 3);
        state["weight_hh"].shape.Should().Equal(5, 5);
        state["weight_qh"].shape.Should().Equal(2, 5);
        layer.parameters().Should().HaveCount(3).And.OnlyContain(p => p.requires_grad && p.dtype == ScalarType.Float32);
    }

    [Fact]
    public void Weights_start_uniform_by_the_generator_of_torch()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(5);
        using var first = new LinearRnnLayer(40, 100, 30);
        manual_seed(5);
        using var second = new LinearRnnLayer(40, 100, 30);

        foreach ((Tensor a, Tensor b) in first.parameters().Zip(second.parameters()))
        {
            a.equal(b).all().item<bool>().Should().BeTrue();
            a.abs().max().item<float>().Should().BeInRange(0.099f, 0.1f);
            Math.Abs(a.mean().item<float>()).Should().BeLessThan(0.005f);
        }
    }

    [Theory]
    [InlineData(ScalarType.Float64, 0.0)]
    [InlineData(ScalarType.Float32, 1e-7)]
    public void A_model_goes_in_and_out(ScalarType type, double tolerance)
    {
        var random = new Random(6);
        var model = new LinearRnn(Matrix(4, 2), Matrix(4, 4), Matrix(3, 4));

        using var layer = LinearRnnLayer.FromModel(model, dtype: type);
        LinearRnn back = layer.ToModel();

        layer.Whx[3, 1].ToDouble().Should().BeApproximately(model.Whx[3, 1], tolerance);
        (back.Whx - model.Whx).FrobeniusNorm().Should().BeLessThanOrEqualTo(tolerance * 3);
        (back.Whh - model.Whh).FrobeniusNorm().Should().BeLessThanOrEqualTo(tolerance * 3);
        (back.Wqh - model.Wqh).FrobeniusNorm().Should().BeLessThanOrEqualTo(tolerance * 3);

        Matrix<double> Matrix(int rows, int columns) =>
            Matrix<double>.Build.Dense(rows, columns, (_, _) => random.NextDouble() - 0.5);
    }

    [Fact]
    public void The_gradients_of_a_layer_pass_the_check_of_the_library()
    {
        using DisposeScope scope = NewDisposeScope();
        var problem = Problem.Of(seed: 13, steps: 12, count: 1, d: 2, h: 4, q: 2);
        using LinearRnnLayer layer = problem.ToLayer();
        Tensor targets = randn(12, 1, 2, dtype: ScalarType.Float64);
        ((layer.call(problem.Inputs).Outputs - targets).square().sum() / 24.0).backward();

        // The same loss as an objective of the library, and the gradients that torch has.
        var forward = ForwardPass.Run(layer.ToModel(), Columns(problem.Inputs));
        var given = new Gradients(Rows(layer.Whx.grad!), Rows(layer.Whh.grad!), Rows(layer.Wqh.grad!));
        var check = GradientCheck.Run(forward, Objective.SquaredError(Columns(targets)), given);

        check.Verdict.Should().Be(Verdict.Passed);

        static Matrix<double> Rows(Tensor matrix) => Matrix<double>.Build.DenseOfRowMajor(
            (int)matrix.shape[0], (int)matrix.shape[1], matrix.detach().contiguous().data<double>().ToArray());
        static Matrix<double> Columns(Tensor sequence) => Rows(sequence.squeeze(1)).Transpose();
    }

    [Fact]
    public void A_layer_is_saved_and_loaded()
    {
        using DisposeScope scope = NewDisposeScope();
        using var layer = new LinearRnnLayer(2, 4, 3);
        using var other = new LinearRnnLayer(2, 4, 3);
        string file = Path.GetTempFileName();

        layer.save(file);
        other.load(file);
        File.Delete(file);

        Tensor inputs = randn(5, 2, 2);
        other.call(inputs).Outputs.equal(layer.call(inputs).Outputs).all().item<bool>().Should().BeTrue();
    }

    [Fact]
    public void A_layer_moves_to_another_type_and_says_where_it_cannot_run()
    {
        using DisposeScope scope = NewDisposeScope();
        using var layer = new LinearRnnLayer(2, 4, 3);

        layer.to(ScalarType.Float64);
        layer.call(randn(5, 2, 2, dtype: ScalarType.Float64)).Outputs.sum().backward();
        layer.Whh.grad!.dtype.Should().Be(ScalarType.Float64);
        layer.parameters().Should().Contain(p => ReferenceEquals(p, layer.Whh));

        layer.Invoking(l => l.call(randn(5, 2, 2))).Should().Throw<ArgumentException>()
            .WithMessage("inputs: expected Float64*");
        layer.to(ScalarType.Float16);
        layer.Invoking(l => l.call(randn(5, 2, 2))).Should().Throw<ArgumentException>()
            .WithMessage("*expected Float32 or Float64, got Float16*");
        layer.Invoking(l => l.ToModel()).Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Hooks_are_called()
    {
        using DisposeScope scope = NewDisposeScope();
        using var layer = new LinearRnnLayer(2, 4, 3);
        var shapes = new List<long[]>();
        layer.register_forward_hook((_, inputs, _, results) =>
        {
            shapes.Add(inputs.shape);
            return results;
        });

        layer.call(randn(5, 2, 2));

        shapes.Should().ContainSingle().Which.Should().Equal(5, 2, 2);
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    public void A_stack_with_a_nonlinearity_between_is_trained_by_torch(ScalarType type)
    {
        manual_seed(14);
        using var lower = new LinearRnnLayer(1, 8, 6, batchFirst: true, dtype: type);
        using var upper = new LinearRnnLayer(6, 8, 1, batchFirst: true, dtype: type);
        using var adam = optim.Adam([.. lower.parameters(), .. upper.parameters()], lr: 0.01);
        using Tensor inputs = randn(16, 40, 1, dtype: type);
        using Tensor targets = inputs.roll(2, 1).abs();

        double first = Step();
        for (int step = 0; step < 150; step++)
        {
            Step();
        }
        Step().Should().BeLessThan(0.3 * first);

        double Step()
        {
            using DisposeScope scope = NewDisposeScope();
            (Tensor hidden, _) = lower.call(inputs);
            (Tensor outputs, _) = upper.call(hidden.relu());
            Tensor loss = functional.mse_loss(outputs, targets);
            adam.zero_grad();
            loss.backward();
            adam.step();
            return loss.ToDouble();
        }
    }
}
