// Explicit back-propagation through time by hand with TorchSharp, without autograd: the library's own plan. All tensors
// are made once, every product is added in place to its destination, and the views of the steps are kept.
//
//   S  (B + N)×h  h_0 and all states      D  N×h  ∂L/∂h_t      G  N×q  residuals, then ∂L/∂o_t      N = ΣT_b

using TorchSharp;
using static TorchSharp.torch;

namespace Bptt.Benchmarks.Peers.Torch;

internal sealed class ExplicitPass : IPass
{
    /// <summary>The loss is summed in parts: in float a product over millions of numbers loses half their
    /// digits.</summary>
    private const int PartLength = 1 << 16;

    private readonly TorchProblem _problem;
    private readonly List<Tensor> _own = [];
    private readonly Tensor _states;
    private readonly Tensor _statesAfterFirst;
    private readonly Tensor _outputGradients;
    private readonly Tensor[] _outputGradientParts;
    private readonly Tensor _stateGradients;
    private readonly Tensor? _previous;
    private readonly Tensor? _predecessors;
    private readonly Tensor[] _stateSteps;
    private readonly Tensor[] _previousSteps;
    private readonly Tensor[] _gradientSteps;
    private readonly Tensor[] _gradientStepsOfLongerSequences;
    private readonly Tensor _whhTransposed;
    private readonly Tensor _whxTransposed;
    private readonly Tensor _wqhTransposed;
    private readonly Tensor _outputGradientsTransposed;
    private readonly Tensor _stateGradientsTransposed;
    private readonly Tensor _whxGradient;
    private readonly Tensor _whhGradient;
    private readonly Tensor _wqhGradient;
    private double _loss;

    public ExplicitPass(TorchProblem problem)
    {
        _problem = problem;
        PackedLayout layout = problem.Layout;
        long h = problem.Whh.shape[0];

        _states = Own(zeros(layout.SequenceCount + layout.ColumnCount, h, problem.Type));
        _statesAfterFirst = Own(_states.narrow(0, layout.SequenceCount, layout.ColumnCount));
        _outputGradients = Own(zeros_like(problem.Targets));
        _outputGradientParts = Array.ConvertAll(Own(_outputGradients.view(-1)).split(PartLength), Own);
        _stateGradients = Own(zeros_like(_statesAfterFirst));

        // h_{t−1} beside each ∂L/∂h_t: where all sequences run to the end the same rows, moved by one step; where they
        // do not, they are gathered in each pass.
        if (layout.IsUniform)
        {
            _previous = Own(_states.narrow(0, 0, layout.ColumnCount));
        }
        else
        {
            _predecessors = Own(tensor(layout.Predecessors(), ScalarType.Int64));
        }

        _stateSteps = Array.ConvertAll(problem.Steps(_states, layout.SequenceCount), Own);
        _gradientSteps = Array.ConvertAll(problem.Steps(_stateGradients), Own);
        _previousSteps = new Tensor[layout.StepCount];
        _gradientStepsOfLongerSequences = new Tensor[layout.StepCount];
        for (int i = 1; i < layout.StepCount; i++)
        {
            _previousSteps[i] = FirstRows(_stateSteps[i - 1], layout.Widths[i]);
            _gradientStepsOfLongerSequences[i - 1] = FirstRows(_gradientSteps[i - 1], layout.Widths[i]);
        }

        _whxTransposed = Own(problem.Whx.t());
        _whhTransposed = Own(problem.Whh.t());
        _wqhTransposed = Own(problem.Wqh.t());
        _outputGradientsTransposed = Own(_outputGradients.t());
        _stateGradientsTransposed = Own(_stateGradients.t());
        _whxGradient = Own(zeros_like(problem.Whx));
        _whhGradient = Own(zeros_like(problem.Whh));
        _wqhGradient = Own(zeros_like(problem.Wqh));
    }

    public void Run()
    {
        using IDisposable noTape = no_grad();
        PackedLayout layout = _problem.Layout;

        Product(_problem.Inputs, _whxTransposed, _statesAfterFirst);
        for (int i = 1; i < layout.StepCount; i++)
        {
            AddProduct(_problem.Whh, _whhTransposed, _previousSteps[i], _stateSteps[i]);
        }

        Product(_statesAfterFirst, _wqhTransposed, _outputGradients);
        _outputGradients.sub_(_problem.Targets);
        _loss = 0.5 / layout.ColumnCount * _outputGradientParts.Sum(SquaredNorm);
        _outputGradients.mul_(1.0 / layout.ColumnCount);

        Product(_outputGradients, _problem.Wqh, _stateGradients);
        for (int i = layout.StepCount - 2; i >= 0; i--)
        {
            AddProduct(_whhTransposed, _problem.Whh, _gradientSteps[i + 1], _gradientStepsOfLongerSequences[i]);
        }

        using Tensor? gathered = _predecessors is null ? null : _states.index_select(0, _predecessors);
        Product(_stateGradientsTransposed, gathered ?? _previous!, _whhGradient);
        Product(_stateGradientsTransposed, _problem.Inputs, _whxGradient);
        Product(_outputGradientsTransposed, _statesAfterFirst, _wqhGradient);
    }

    public PassResult ReadResult() => TorchProblem.Result(_loss, _whxGradient, _whhGradient, _wqhGradient);

    public void Dispose()
    {
        _own.ForEach(tensor => tensor.Dispose());
        _problem.Dispose();
    }

    private static double SquaredNorm(Tensor part)
    {
        using Tensor sum = dot(part, part);
        return sum.ToDouble();
    }

    /// <summary>destination = left · right.</summary>
    private static void Product(Tensor left, Tensor right, Tensor destination) =>
        destination.addmm_(left, right, beta: 0, alpha: 1);

    /// <summary>destination += A · source: with A itself where the steps are vectors, from the right with Aᵀ where they
    /// are rows of a matrix.</summary>
    private void AddProduct(Tensor a, Tensor transposed, Tensor source, Tensor destination)
    {
        if (_problem.IsOneSequence)
        {
            destination.addmv_(a, source, beta: 1, alpha: 1);
        }
        else
        {
            destination.addmm_(source, transposed, beta: 1, alpha: 1);
        }
    }

    private Tensor FirstRows(Tensor step, int count) =>
        _problem.IsOneSequence || step.shape[0] == count ? step : Own(step.narrow(0, 0, count));

    /// <summary>Notes a tensor that is to be disposed with the pass.</summary>
    private Tensor Own(Tensor tensor)
    {
        _own.Add(tensor);
        return tensor;
    }
}
