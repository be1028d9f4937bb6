// What does not fit is refused in the forward call, by a message that names the tensor; nothing is left open.

namespace Bptt.TorchSharp.Tests;

public class BadInputTests
{
    private delegate void Change(Tensor?[] tensors, ref Tensor? lengths);

    public static TheoryData<string, string> Cases => new()
    {
        { "x of another type", "inputs: expected Float64, as W_hh has, got Float32*" },
        { "whole numbers", "whh: expected Float32 or Float64, got Int64*" },
        { "x on another device", "inputs: expected a tensor on cpu*got one on meta*" },
        { "weights on another device", "wqh: expected a tensor on cpu*got one on meta*" },
        { "a sparse x", "inputs: expected a dense tensor*" },
        { "x that is gone", "inputs: expected a tensor, got one that has been disposed*" },
        { "x with other features", "inputs: expected (time, batch, feature) with 2 features, got (7, 3, 5)*" },
        { "x with four axes", "inputs: expected (time, batch, feature) with 2 features, got (7, 3, 2, 1)*" },
        { "no steps", "inputs: expected at least one step*(0, 3, 2)*" },
        { "no sequences", "inputs: expected at least one step*(7, 0, 2)*" },
        { "W_hh that is not square", "whh: expected (h, h) = (4, 4), got (4, 5)*" },
        { "W_hx of other rows", "whx: expected (h, d) = (4, 2), got (5, 2)*" },
        { "W_qh of other columns", "wqh: expected (q, h) = (3, 4), got (3, 5)*" },
        { "W_hh with one axis", "whh: expected two axes, got (4)*" },
        { "h_0 the other way round", "initialStates: expected (batch, h) = (3, 4), got (4, 3)*" },
        { "h_0 of another type", "initialStates: expected Float64*" },
        { "x with NaN", "*NaN*sequence 1, step 3*" },
        { "W_hh with infinity", "whh*" },
        { "h_0 with NaN", "initialStates*NaN*" },
        { "too few lengths", "lengths: expected (batch) = (3), got (2)*" },
        { "a length of zero", "lengths: expected from 1 to 7 steps for sequence 1, got 0*" },
        { "a length beyond the end", "lengths: expected from 1 to 7 steps for sequence 2, got 8*" },
        { "lengths that are no whole numbers", "lengths: expected int64 or int32 on cpu, got Float32*" },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void What_does_not_fit_is_refused(string what, string message)
    {
        using DisposeScope scope = NewDisposeScope();
        var problem = Problem.Of(seed: 12, steps: 7, count: 3, d: 2, h: 4, q: 3);
        Tensor?[] tensors = [.. problem.Tensors];
        Tensor? lengths = null;
        Changes[what](tensors, ref lengths);
        long before = LiveTensors();

        FluentActions.Invoking(() => LinearRnnFunction.apply(
                tensors[0]!, tensors[1]!, tensors[2]!, tensors[3]!, tensors[4], lengths))
            .Should().Throw<ArgumentException>().WithMessage(message);

        LiveTensors().Should().Be(before, "a call that fails leaves no tensor");
    }

    [Fact]
    public void Null_is_refused_by_name()
    {
        using DisposeScope scope = NewDisposeScope();
        var problem = Problem.Of(seed: 12, steps: 7, count: 3, d: 2, h: 4, q: 3);
        string[] names = ["inputs", "whx", "whh", "wqh"];
        for (int i = 0; i < names.Length; i++)
        {
            Tensor[] tensors = [.. problem.Tensors];
            tensors[i] = null!;

            FluentActions.Invoking(() => LinearRnnFunction.apply(tensors[0], tensors[1], tensors[2], tensors[3]))
                .Should().Throw<ArgumentNullException>().WithParameterName(names[i]);
        }
    }

    [Fact]
    public void A_layer_refuses_what_it_cannot_be_made_from()
    {
        FluentActions.Invoking(() => new LinearRnnLayer(0, 2, 3)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new LinearRnnLayer(1, 0, 3)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new LinearRnnLayer(1, 2, 0)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new LinearRnnLayer(1, 2, 3, dtype: ScalarType.Float16))
            .Should().Throw<ArgumentException>().WithMessage("dtype: expected Float32 or Float64, got Float16*");
        FluentActions.Invoking(() => LinearRnnLayer.FromModel(null!)).Should().Throw<ArgumentNullException>();
        FluentActions.Invoking(() => new LinearRnnOptions { MaxDegreeOfParallelism = 0 })
            .Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new LinearRnnOptions { MemoryBudget = 0 })
            .Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void A_budget_that_is_too_small_is_refused_before_torch_knows_of_the_pass()
    {
        using DisposeScope scope = NewDisposeScope();
        using var layer = new LinearRnnLayer(1, 8, 1, options: new LinearRnnOptions { MemoryBudget = 16 });

        layer.Invoking(l => l.call(randn(1000, 1, 1))).Should().Throw<ArgumentException>().WithMessage("*budget*");
    }

    private static readonly Dictionary<string, Change> Changes = new()
    {
        ["x of another type"] = Replace(0, x => x.to(ScalarType.Float32)),
        ["whole numbers"] = Replace(2, w => w.to(ScalarType.Int64)),
        ["x on another device"] = Replace(0, x => empty(x.shape, dtype: x.dtype, device: META)),
        ["weights on another device"] = Replace(3, w => empty(w.shape, dtype: w.dtype, device: META)),
        ["a sparse x"] = Replace(0, x => x.detach().to_sparse()),
        ["x that is gone"] = Replace(0, Disposed),
        ["x with other features"] = Replace(0, x => zeros(7, 3, 5, dtype: x.dtype)),
        ["x with four axes"] = Replace(0, x => x.unsqueeze(3)),
        ["no steps"] = Replace(0, x => x.narrow(0, 0, 0)),
        ["no sequences"] = Replace(0, x => x.narrow(1, 0, 0)),
        ["W_hh that is not square"] = Replace(2, w => zeros(4, 5, dtype: w.dtype)),
        ["W_hx of other rows"] = Replace(1, w => zeros(5, 2, dtype: w.dtype)),
        ["W_qh of other columns"] = Replace(3, w => zeros(3, 5, dtype: w.dtype)),
        ["W_hh with one axis"] = Replace(2, w => zeros(4, dtype: w.dtype)),
        ["h_0 the other way round"] = Replace(4, s => s.t()),
        ["h_0 of another type"] = Replace(4, s => s.to(ScalarType.Float32)),
        ["x with NaN"] = Replace(0, x => With(x, double.NaN, 2, 1, 0)),
        ["W_hh with infinity"] = Replace(2, w => With(w, double.PositiveInfinity, 0, 1)),
        ["h_0 with NaN"] = Replace(4, s => With(s, double.NaN, 1, 2)),
        ["too few lengths"] = Lengths(() => tensor(new[] { 7, 7 })),
        ["a length of zero"] = Lengths(() => tensor(new[] { 7, 0, 1 })),
        ["a length beyond the end"] = Lengths(() => tensor(new[] { 7, 1, 8 })),
        ["lengths that are no whole numbers"] = Lengths(() => tensor(new[] { 7f, 7f, 7f })),
    };

    /// <summary>Made on this thread and not yet let go.</summary>
    private static long LiveTensors() => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;

    private static Change Replace(int place, Func<Tensor, Tensor> change) =>
        (Tensor?[] tensors, ref Tensor? _) => tensors[place] = change(tensors[place]!);

    private static Change Lengths(Func<Tensor> make) => (Tensor?[] _, ref Tensor? lengths) => lengths = make();

    private static Tensor With(Tensor tensor, double value, params long[] place)
    {
        Tensor copy = tensor.detach().clone();
        copy[[.. place.Select(i => TensorIndex.Single(i))]] = value;
        return copy;
    }

    private static Tensor Disposed(Tensor tensor)
    {
        Tensor copy = tensor.clone();
        copy.Dispose();
        return copy;
    }
}
