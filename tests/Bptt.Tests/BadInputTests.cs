// One table of everything that is refused at the public edge: each message names the parameter, what was expected and
// what came.

using Bptt.Files;
using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace Bptt.Tests;

public class BadInputTests
{
    private static readonly Examples Some = new(seed: 1);
    private static readonly LinearRnn Model = Some.Model(2, 3, 4);
    private static readonly Matrix<double> Inputs = Some.Matrix(2, 5);
    private static readonly SequenceBatch Batch = Some.Batch(2, 5, 3);
    private static readonly ForwardPass Forward = ForwardPass.Run(Model, Inputs);
    private static readonly ForwardPass BatchForward = ForwardPass.Run(Model, Batch);
    private static readonly BackwardThroughTime Backward = BackwardThroughTime.Run(Forward, M(4, 5));
    private static readonly Objective Squared = Objective.SquaredError(M(4, 5));

    /// <summary>What is done, and words that the message must hold; the first is the parameter.</summary>
    private static readonly (string Name, Action Act, Type Exception, string[] Words)[] Rows =
    [
        // weights
        Row("whh not square", () => _ = new LinearRnn(M(3, 2), M(3, 2), M(4, 3)), "whh", "3×3", "3×2"),
        Row("whh of another h", () => _ = new LinearRnn(M(3, 2), M(2, 2), M(4, 3)), "whh", "3×3", "2×2"),
        Row("wqh of another h", () => _ = new LinearRnn(M(3, 2), M(3, 3), M(4, 2)), "wqh", "4×3", "4×2"),
        Row("whx without columns", () => _ = new LinearRnn(M(3, 0), M(3, 3), M(4, 3)), "whx", "h×d", "3×0"),
        Row("whx without rows", () => _ = new LinearRnn(M(0, 2), M(0, 0), M(4, 0)), "whx", "h×d", "0×2"),
        Row("wqh without rows", () => _ = new LinearRnn(M(3, 2), M(3, 3), M(0, 3)), "wqh", "q×h", "0×3"),
        Row("whx NaN", () => _ = new LinearRnn(With(M(3, 2), 2, 1, double.NaN), M(3, 3), M(4, 3)),
            "whx", "finite", "NaN", "row 2, column 1"),
        Row("whh infinite", () => _ = new LinearRnn(M(3, 2), With(M(3, 3), 0, 2, double.PositiveInfinity), M(4, 3)),
            "whh", "finite", "Infinity", "row 0, column 2"),
        Row("wqh infinite", () => _ = new LinearRnn(M(3, 2), M(3, 3), With(M(4, 3), 3, 0, double.NegativeInfinity)),
            "wqh", "finite", "-Infinity", "row 3, column 0"),
        Row("whh empty between two that do not agree", () => _ = new LinearRnn(M(3, 2), M(0, 0), M(4, 2)), "whh"),
        Null("whx null", () => _ = new LinearRnn(null!, M(3, 3), M(4, 3)), "whx"),
        Null("whh null", () => _ = new LinearRnn(M(3, 2), null!, M(4, 3)), "whh"),
        Null("wqh null", () => _ = new LinearRnn(M(3, 2), M(3, 3), null!), "wqh"),

        // a step
        Row("state too long", () => Model.Step(V(4), V(2)), "state", "3", "4"),
        Row("input too short", () => Model.Step(V(3), V(1)), "input", "2", "1"),
        Row("state NaN", () => Model.Step(V(3, double.NaN), V(2)), "state", "finite", "NaN", "index 0"),
        Row("input infinite", () => Model.Step(V(3), V(2, double.PositiveInfinity)), "input", "finite", "Infinity"),
        Row("next state too short", () => Model.Step(new double[3], new double[2], new double[2], new double[4]),
            "nextState", "3", "2"),
        Row("output too long", () => Model.Step(new double[3], new double[2], new double[3], new double[5]),
            "output", "4", "5"),
        Row("next state is the state", StepInPlace, "nextState", "overlaps"),
        Row("output in the state", StepIntoState, "output", "overlaps"),
        Null("state null", () => Model.Step(null!, V(2)), "state"),
        Null("input null", () => Model.Step(V(3), null!), "input"),

        // a batch
        Row("no sequences", () => SequenceBatch.Pack([]), "sequences", "at least one", "empty"),
        Row("a null sequence", () => SequenceBatch.Pack([M(2, 1), null!]), "sequences", "sequence 1", "null"),
        Row("a zero-length sequence", () => SequenceBatch.Pack([M(2, 1), M(2, 0)]), "sequences", "sequence 1", "2×0"),
        Row("zero rows", () => SequenceBatch.Pack([M(0, 1)]), "sequences", "sequence 0", "0×1"),
        Row("other rows", () => SequenceBatch.Pack([M(2, 1), M(3, 1)]), "sequences", "2 rows", "3×1"),
        Range("no such sequence to read", () => Batch.Sequence(2), "sequence", "0 to 1", "2"),
        Range("no such sequence to select", () => Batch.Select([0, 2]), "sequences", "0 to 1", "2"),
        Null("sequences null", () => SequenceBatch.Pack(null!), "sequences"),

        // the forward pass
        Row("input rows", () => ForwardPass.Run(Model, M(3, 5)), "inputs", "2×5", "3×5"),
        Row("input rows of a batch", () => ForwardPass.Run(Model, Some.Batch(3, 1)), "inputs", "2", "3"),
        Row("zero-length input", () => ForwardPass.Run(Model, M(2, 0)), "inputs", "d×T", "2×0"),
        Row("input NaN", () => ForwardPass.Run(Model, With(M(2, 5), 1, 4, double.NaN)),
            "inputs", "finite", "NaN", "row 1, column 4"),
        Row(
            "input of a batch infinite",
            () => ForwardPass.Run(Model, SequenceBatch.Pack([M(2, 5), With(M(2, 3), 1, 2, double.PositiveInfinity)])),
            "inputs",
            "finite",
            "Infinity",
            "sequence 1, step 3, row 1"),
        Row("h_0 too long", () => ForwardPass.Run(Model, Inputs, V(4)), "initialState", "3", "4"),
        Row("h_0 NaN", () => ForwardPass.Run(Model, Inputs, V(3, double.NaN)), "initialState", "finite", "NaN"),
        Row("h_0 of a batch with other columns", () => ForwardPass.Run(Model, Batch, M(3, 3)),
            "initialStates", "3×2", "3×3"),
        Row(
            "h_0 of a batch infinite",
            () => ForwardPass.Run(Model, Batch, With(M(3, 2), 1, 1, double.PositiveInfinity)),
            "initialStates",
            "finite",
            "row 1, column 1"),
        Null("model null", () => ForwardPass.Run(null!, Inputs), "model"),
        Null("model of a batch null", () => ForwardPass.Run(null!, Batch), "model"),
        Null("inputs null", () => ForwardPass.Run(Model, (Matrix<double>)null!), "inputs"),
        Null("batch null", () => ForwardPass.Run(Model, (SequenceBatch)null!), "inputs"),

        // reading a pass
        Range("state before 0", () => Forward.HiddenState(-1), "t", "0 to 5", "-1"),
        Range("state after T", () => Forward.HiddenState(6), "t", "0 to 5", "6"),
        Range("output 0", () => Forward.Output(0), "t", "1 to 5", "0"),
        Range("output after T", () => Forward.Output(6), "t", "1 to 5", "6"),
        Range("step of a shorter sequence", () => BatchForward.HiddenState(4, 1), "t", "0 to 3", "4"),
        Range("no such sequence", () => Forward.HiddenState(0, 1), "sequence", "0 to 0", "1"),
        Range("no such states", () => Forward.HiddenStates(-1), "sequence", "0 to 0", "-1"),
        Range("no such outputs", () => Forward.Outputs(1), "sequence", "0 to 0", "1"),
        Range("state gradient after T", () => Backward.HiddenStateGradient(6), "t", "0 to 5", "6"),
        Range("output gradient 0", () => Backward.OutputGradient(0), "t", "1 to 5", "0"),
        Range("input gradient 0", () => Backward.InputGradient(0), "t", "1 to 5", "0"),
        Range("no such state gradients", () => Backward.HiddenStateGradients(1), "sequence", "0 to 0", "1"),
        Range("no such input gradients", () => Backward.InputGradients(1), "sequence", "0 to 0", "1"),

        // objectives
        Row("target rows", () => Run(Objective.SquaredError(M(3, 5))), "targets", "4", "3"),
        Row("target length", () => Run(Objective.SquaredError(M(4, 6))), "targets", "5", "6"),
        Row("target sequences", () => Run(Objective.SquaredError(Some.Batch(4, 5, 5))), "targets", "1", "2"),
        Row(
            "targets in another order",
            () => BackwardThroughTime.Run(BatchForward, Objective.SquaredError(Some.Batch(4, 3, 5))),
            "targets",
            "sequence 0",
            "5",
            "3"),
        Row("target NaN", () => Run(Objective.SquaredError(With(M(4, 5), 2, 3, double.NaN))),
            "targets", "finite", "NaN", "step 4, row 2"),
        Row("Huber target infinite", () => Run(Objective.Huber(With(M(4, 5), 0, 0, double.PositiveInfinity))),
            "targets", "finite", "Infinity", "step 1, row 0"),
        Row("target NaN where only the loss is asked",
            () => Objective.SquaredError(With(M(4, 5), 2, 3, double.NaN)).Loss(Forward), "targets", "NaN"),
        Row("targets without rows", () => Objective.SquaredError(M(0, 5)), "targets", "q×T", "0×5"),
        Row("targets without columns", () => Objective.Huber(M(4, 0)), "targets", "q×T", "4×0"),
        Range("delta zero", () => Objective.Huber(M(4, 5), 0.0), "delta", "above 0", "0"),
        Range("delta NaN", () => Objective.Huber(M(4, 5), double.NaN), "delta", "above 0", "NaN"),
        Row("label below 0", () => Run(Objective.CrossEntropy([0, 1, -1, 3, 0])), "labels", "0 to 3", "-1", "step 3"),
        Row("label q", () => Run(Objective.CrossEntropy([0, 1, 2, 3, 4])), "labels", "0 to 3", "got 4", "step 5"),
        Row("too few labels", () => Run(Objective.CrossEntropy([0, 1])), "labels", "5", "2"),
        Row("labels of a sequence null", () => Objective.CrossEntropy([[1], null!]), "labels", "null", "sequence 1"),
        Range("no such reduction", () => Objective.SquaredError(Batch, (Reduction)7), "reduction", "MeanPerStep", "7"),
        Row("negative weight", () => Squared.WithStepWeights([1.0, -0.5, 1, 1, 1]),
            "weights", "at least 0", "-0.5", "step 2"),
        Row("weight NaN", () => Squared.WithStepWeights([double.NaN]), "weights", "at least 0", "NaN"),
        Row("weight infinite", () => Squared.WithStepWeights([double.PositiveInfinity]),
            "weights", "finite", "Infinity"),
        Row("weights that sum to 0", () => Run(Squared.WithStepWeights(new double[5])),
            "weights", "above 0", "sum to 0"),
        Row("too many weights", () => Run(Squared.WithStepWeights([1, 1, 1, 1, 1, 1.0])), "weights", "5", "6"),
        Row("weights of a sequence null", () => Squared.WithStepWeights([null!]), "weights", "null", "sequence 0"),
        Row("weights whose sum overflows", () => Run(Squared.WithStepWeights([1e308, 1e308, 1, 1, 1])),
            "weights", "finite", "Infinity"),
        Row("weights whose mean overflows", () => Run(Squared.WithStepWeights([1e-310, 1e-310, 0, 0, 0])),
            "weights", "reciprocals", "E-310"),
        Row("a normaliser without reciprocal", () => Run(Squared.WithNormalizer(1e-320)),
            "normalizer", "reciprocals", "1E-320"),
        Row(
            "weights whose product with the normaliser overflows",
            () => Run(Objective.SquaredError(SequenceBatch.Pack([M(4, 5)]), Reduction.MeanPerSequence)
                .WithStepWeights([1e160, 1e160, 1e160, 1e160, 1e160])
                .WithNormalizer(1e150)),
            "normalizer", "reciprocals", "E+160"),
        Row("own targets of another length", () => Run(new OwnTargets(Some.Batch(4, 6))), "targets", "5", "6"),
        Row("own targets NaN", () => Run(new OwnTargets(SequenceBatch.Pack([With(M(4, 5), 0, 1, double.NaN)]))),
            "targets", "NaN", "step 2"),
        Null("own targets null", () => Run(new OwnTargets(null!)), "targets"),
        Null("own targets of no pass", () => Run(new OwnTargets(Some.Batch(4, 5), hasPass: false)), "forward"),
        Range("normaliser 0", () => Squared.WithNormalizer(0), "normalizer", "above 0", "0"),
        Range("normaliser infinite", () => Squared.WithNormalizer(double.PositiveInfinity),
            "normalizer", "finite", "Infinity"),
        Null("targets null", () => Objective.SquaredError((Matrix<double>)null!), "targets"),
        Null("target batch null", () => Objective.SquaredError((SequenceBatch)null!), "targets"),
        Null("Huber targets null", () => Objective.Huber((Matrix<double>)null!), "targets"),
        Null("labels null", () => Objective.CrossEntropy((int[])null!), "labels"),
        Null("label list null", () => Objective.CrossEntropy((IReadOnlyList<int[]>)null!), "labels"),
        Null("weights null", () => Squared.WithStepWeights((double[])null!), "weights"),
        Null("weight list null", () => Squared.WithStepWeights((IReadOnlyList<double[]>)null!), "weights"),
        Null("loss of null", () => Squared.Loss(null!), "forward"),

        // the backward pass
        Row("output gradient rows", () => BackwardThroughTime.Run(Forward, M(3, 5)), "outputGradients", "4", "3"),
        Row("output gradient length", () => BackwardThroughTime.Run(Forward, M(4, 4)), "outputGradients", "5", "4"),
        Row("output gradients of one sequence for two", () => BackwardThroughTime.Run(BatchForward, M(4, 5)),
            "outputGradients", "2", "1"),
        Row("output gradient empty", () => BackwardThroughTime.Run(Forward, M(4, 0)), "outputGradients", "q×T", "4×0"),
        Row("output gradient NaN", () => BackwardThroughTime.Run(Forward, With(M(4, 5), 1, 2, double.NaN)),
            "outputGradients", "finite", "NaN", "row 1, column 2"),
        Row("output gradient batch rows", () => BackwardThroughTime.Run(BatchForward, Some.Batch(3, 5, 3)),
            "outputGradients", "4", "3"),
        Row("output gradient batch lengths", () => BackwardThroughTime.Run(BatchForward, Some.Batch(4, 5, 2)),
            "outputGradients", "sequence 1", "3", "2"),
        Row(
            "output gradient batch NaN",
            () => BackwardThroughTime.Run(BatchForward, SequenceBatch.Pack([M(4, 5), With(M(4, 3), 1, 2, double.NaN)])),
            "outputGradients",
            "NaN",
            "sequence 1, step 3, row 1"),
        Row(
            "final-state gradient shape",
            () => BackwardThroughTime.Run(Forward, Squared, new BackwardOptions { FinalStateGradients = M(3, 2) }),
            "FinalStateGradients",
            "3×1",
            "3×2"),
        Row("final-state gradient NaN", () => BackwardThroughTime.Run(Forward, Squared, new BackwardOptions
        {
            FinalStateGradients = With(M(3, 1), 2, 0, double.NaN),
        }), "FinalStateGradients", "finite", "NaN", "row 2"),
        Null("forward null", () => BackwardThroughTime.Run(null!, Squared), "forward"),
        Null("forward null with gradients", () => BackwardThroughTime.Run(null!, M(4, 5)), "forward"),
        Null("forward null with a batch", () => BackwardThroughTime.Run(null!, Batch), "forward"),
        Null("objective null", () => BackwardThroughTime.Run(Forward, (Objective)null!), "objective"),
        Null("output gradients null", () => BackwardThroughTime.Run(Forward, (Matrix<double>)null!), "outputGradients"),
        Null("output gradient batch null", () => BackwardThroughTime.Run(Forward, (SequenceBatch)null!),
            "outputGradients"),

        // gradients
        Row("gradient shapes", () => _ = new Gradients(M(3, 2), M(2, 2), M(4, 3)), "whh", "3×3", "2×2"),
        Row("gradients of other shapes added", () => Backward.Gradients.Add(new Gradients(M(3, 1), M(3, 3), M(4, 3))),
            "other", "d = 2", "d = 1"),
        Row("no gradients to sum", () => Gradients.Sum([]), "gradients", "at least one", "empty"),
        Row("null among gradients", () => Gradients.Sum([Backward.Gradients, null!]), "gradients", "null"),
        Null("gradients null", () => Gradients.Sum(null!), "gradients"),
        Null("other null", () => Backward.Gradients.Add(null!), "other"),
        Null("left null", () => _ = null! + Backward.Gradients, "left"),
        Null("right null", () => _ = Backward.Gradients + null!, "right"),
        (
            "more weights than an array holds",
            TooLarge,
            typeof(ArgumentException),
            [null!, "too large", "at most", "2500100000"]),
        Null("scaled null", () => _ = 2.0 * (Gradients)null!, "gradients"),

        // options
        Range("no threads", () => _ = new ExecutionOptions { MaxDegreeOfParallelism = 0 },
            "MaxDegreeOfParallelism", "at least 1", "0"),
        Range("minus two threads", () => _ = new ExecutionOptions { MaxDegreeOfParallelism = -2 },
            "MaxDegreeOfParallelism", "at least 1", "-2"),
        Range("no such recurrence", () => _ = new ExecutionOptions { Recurrence = (Recurrence)9 },
            "Recurrence", "Automatic", "9"),
        Range("budget 0", () => _ = new ExecutionOptions { MemoryBudget = 0 }, "MemoryBudget", "at least 1", "0"),

        // workspaces
        State("a pass whose workspace serves a newer one", ReadStale, "workspace", "newer forward pass", "before"),
        State("a backward pass whose workspace serves a newer forward pass",
            RunBackwardStale, "workspace", "newer forward pass"),
        State("two passes at once from one workspace", () => Share(new Workspace()),
            "workspace", "one pass at a time", "another"),
        State("a loss without an objective", () => _ = Backward.Loss, "Loss", "objective", "output gradients"),

        // training
        Range("learning rate 0", () => _ = new Adam(0.0), "learningRate", "above 0", "0"),
        Range("learning rate NaN", () => _ = new Adam(double.NaN), "learningRate", "above 0", "NaN"),
        Range("beta1 of 1", () => _ = new Adam(beta1: 1.0), "beta1", "below 1", "1"),
        Range("beta2 negative", () => _ = new Adam(beta2: -0.1), "beta2", "from 0", "-0.1"),
        Range("epsilon 0", () => _ = new Adam(epsilon: 0), "epsilon", "above 0", "0"),
        Row("Adam with gradients of another model",
            () => new Adam().Step(Model, new Gradients(M(3, 1), M(3, 3), M(4, 3))), "gradients", "d = 2", "d = 1"),
        Row(
            "Adam with a NaN gradient",
            () => new Adam().Step(Model, new Gradients(M(3, 2), With(M(3, 3), 1, 2, double.NaN), M(4, 3))),
            "gradients.Whh",
            "finite",
            "NaN",
            "row 1, column 2"),
        Row("Adam with an infinite vector gradient", () => new Adam().Step(V(3), V(3, double.PositiveInfinity)),
            "gradient", "finite", "Infinity"),
        Row("Adam with vectors of other lengths", () => new Adam().Step(V(3), V(2)), "gradient", "3", "2"),
        Null("Adam without model", () => new Adam().Step(null!, Backward.Gradients), "model"),
        Null("Adam without gradients", () => new Adam().Step(Model, null!), "gradients"),
        Null("Adam without parameters", () => new Adam().Step(null!, V(2)), "parameters"),
        Null("Adam without gradient", () => new Adam().Step(V(2), null!), "gradient"),
        Range("learning rate set to infinity", () => new Adam().LearningRate = double.PositiveInfinity,
            "LearningRate", "finite", "Infinity"),
        Row("Adam with a NaN parameter", () => new Adam().Step(V(2, double.NaN), V(2)), "parameters", "finite", "NaN"),
        Row("Adam with a model of another shape and as many weights",
            StepTwoModels, "model", "d = 1, h = 2, q = 3", "first step", "d = 3, h = 2, q = 1"),
        Range("clipping at 0", () => _ = new GlobalNormClipping(0), "maxNorm", "above 0", "0"),
        Row(
            "clipping NaN",
            () => new GlobalNormClipping(1).Apply(new Gradients(With(M(3, 2), 0, 1, double.NaN), M(3, 3), M(4, 3))),
            "gradients.Whx",
            "NaN",
            "row 0, column 1"),
        Row(
            "clipping an infinite state gradient",
            () => new GlobalNormClipping(1).Apply(Backward.Gradients, With(M(3, 1), 2, 0, double.PositiveInfinity)),
            "initialStateGradients",
            "Infinity"),
        Null("clipping null", () => new GlobalNormClipping(1).Apply(null!), "gradients"),
        Range("clipping by matrix at -1", () => _ = new MatrixNormClipping(-1), "maxNorm", "above 0", "-1"),
        Range("clipping by value at NaN", () => _ = new ValueClipping(double.NaN), "maxValue", "above 0", "NaN"),
        Row(
            "clipping an infinite entry by value",
            () => new ValueClipping(1).Apply(
                new Gradients(M(3, 2), With(M(3, 3), 2, 1, double.NegativeInfinity), M(4, 3))),
            "gradients.Whh",
            "-Infinity",
            "row 2, column 1"),
        Range("initialiser without units", () => Initializer.Orthogonal(1, 0, 1, seed: 1),
            "hiddenSize", "at least 1", "0"),
        Range("initialiser with radius NaN", () => Initializer.Orthogonal(1, 1, 1, 1, double.NaN),
            "spectralRadius", "above 0", "NaN"),
        Range("Gaussian initialiser without inputs", () => Initializer.Gaussian(0, 1, 1, seed: 1),
            "inputSize", "at least 1", "0"),
        Range("Gaussian initialiser with radius 0", () => Initializer.Gaussian(1, 1, 1, 1, 0),
            "spectralRadius", "above 0", "0"),
        Range("identity without outputs", () => Initializer.ScaledIdentity(1, 1, 0, seed: 1),
            "outputSize", "at least 1", "0"),
        Range("identity of scale -1", () => Initializer.ScaledIdentity(1, 1, 1, 1, -1), "scale", "above 0", "-1"),
        Null("oscillators without periods", () => Initializer.Oscillators(1, 2, 1, 1, 1, null!), "periods"),
        Row("oscillators with too many periods", () => Initializer.Oscillators(1, 3, 1, 1, 1, [5, 6]),
            "periods", "expected 1", "3 hidden units", "got 2"),
        Range("oscillators too fast", () => Initializer.Oscillators(1, 4, 1, 1, 1, [5, 1.9]),
            "periods", "at least 2", "1.9 at index 1"),
        Range("oscillators without end", () => Initializer.Oscillators(1, 2, 1, 1, 1, [double.PositiveInfinity]),
            "periods", "finite", "Infinity"),
        Range("oscillators with radius NaN", () => Initializer.Oscillators(1, 2, 1, 1, double.NaN, [5]),
            "spectralRadius", "above 0", "NaN"),
        Range("oscillators without units", () => Initializer.Oscillators(1, 0, 1, 1, 1, []),
            "hiddenSize", "at least 1", "0"),
        Range("spectral norm 0", () => _ = new SpectralNormConstraint(0), "maxNorm", "above 0", "0"),
        Range("spectral radius NaN", () => _ = new SpectralRadiusConstraint(double.NaN), "maxRadius", "above 0", "NaN"),
        Null("norm of no model", () => new SpectralNormConstraint(1).Apply(null!), "model"),
        Null("radius of no model", () => new SpectralRadiusConstraint(1).Apply(null!), "model"),
        Range("penalty of strength -1", () => _ = new L2Regularizer(-1), "strength", "at least 0", "-1"),
        Range("Jacobian penalty of strength NaN", () => _ = new JacobianRegularizer(double.NaN),
            "strength", "finite", "NaN"),
        Range("penalty of infinite strength", () => _ = new L2Regularizer(double.PositiveInfinity),
            "strength", "finite", "Infinity"),
        Null("penalty of no pass", () => new L2Regularizer(1).Evaluate(null!), "backward"),
        Null("value of no pass", () => new L2Regularizer(1).Value(null!), "backward"),
        Null("Jacobian penalty of no pass", () => new JacobianRegularizer(1).Evaluate(null!), "backward"),
        Null("Jacobian value of no pass", () => new JacobianRegularizer(1).Value(null!), "backward"),
        Null("orthogonal no model", () => new OrthogonalConstraint().Apply(null!), "model"),

        // verification
        Range("tolerance 0", () => _ = new GradientCheckOptions { Tolerance = 0 }, "Tolerance", "above 0", "0"),
        Range("no entries", () => _ = new GradientCheckOptions { MaxEntriesPerParameter = 0 },
            "MaxEntriesPerParameter", "at least 1", "0"),
        Row("check with another shape", () => GradientCheck.Run(Forward, Objective.SquaredError(M(3, 5))),
            "targets", "4", "3"),
        Null("check of null", () => GradientCheck.Run(null!, Squared), "forward"),
        Null("check without objective", () => GradientCheck.Run(Forward, null!), "objective"),

        // files
        Row("channels of another count", () => _ = new LinearRnnFile(Model, inputs: [new Channel("a")]),
            "inputs", "2", "1"),
        Row("a null channel", () => _ = new LinearRnnFile(Model, inputs: [new Channel("a"), null!]), "inputs", "null"),
        Row("channels of one name", () => _ = new LinearRnnFile(Model, inputs: [new Channel("a"), new Channel("a")]),
            "inputs", "'a' twice"),
        Row("h_0 in a file too long", () => _ = new LinearRnnFile(Model, V(4)), "initialState", "3", "4"),
        Row("h_0 in a file NaN", () => _ = new LinearRnnFile(Model, V(3, double.NaN)), "initialState", "NaN"),
        Range("negative steps ahead", () => _ = new LinearRnnFile(Model, stepsAhead: -1),
            "stepsAhead", "at least 0", "-1"),
        Row("empty channel name", () => _ = new Channel(""), "name"),
        Row("channel mean NaN", () => _ = new Channel("a", double.NaN), "mean", "NaN"),
        Range("channel scale 0", () => _ = new Channel("a", 0, 0), "scale", "above 0", "0"),
        Row("empty path", () => LinearRnnFile.Load(""), "path"),
        Null("model of a file null", () => _ = new LinearRnnFile(null!), "model"),
        Null("path null", () => LinearRnnFile.Load((string)null!), "path"),
        Null("stream null", () => LinearRnnFile.Load((Stream)null!), "stream"),
    ];

    public static TheoryData<string> Names => [.. Rows.Select(r => r.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Is_refused_with_a_clear_message(string name)
    {
        (_, Action act, Type type, string[] words) = Rows.Single(r => r.Name == name);

        Exception exception = act.Should().Throw<Exception>().Which;

        exception.Should().BeOfType(type);
        exception.Message.Should().ContainAll(words.Where(w => w is not null));
        if (exception is ArgumentException argument)
        {
            argument.ParamName.Should().Be(words[0]);
        }
    }

    private static (string, Action, Type, string[]) Row(string name, Action act, params string[] words) =>
        (name, act, typeof(ArgumentException), words);

    private static (string, Action, Type, string[]) Range(string name, Action act, params string[] words) =>
        (name, act, typeof(ArgumentOutOfRangeException), words);

    private static (string, Action, Type, string[]) Null(string name, Action act, string parameter) =>
        (name, act, typeof(ArgumentNullException), [parameter]);

    private static (string, Action, Type, string[]) State(string name, Action act, params string[] words) =>
        (name, act, typeof(InvalidOperationException), words);

    private static ForwardPass Stale()
    {
        var options = new ExecutionOptions { Workspace = new Workspace() };
        var stale = ForwardPass.Run(Model, Inputs, options: options);
        ForwardPass.Run(Model, Inputs, options: options);
        return stale;
    }

    private static void ReadStale() => Stale().HiddenState(1);

    private static void RunBackwardStale() => BackwardThroughTime.Run(Stale(), Squared);

    /// <summary>The second pass begins while the first one evaluates its objective.</summary>
    private static void Share(Workspace workspace)
    {
        var options = new ExecutionOptions { Workspace = workspace };
        var forward = ForwardPass.Run(Model, Inputs, options: options);
        BackwardThroughTime.Run(forward, new Meddling(() => ForwardPass.Run(Model, Inputs, options: options)));
    }

    private sealed class Meddling(Action act) : Objective
    {
        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t)
        {
            act();
            return 0.0;
        }

        protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
        {
        }
    }

    private static void StepTwoModels()
    {
        var adam = new Adam();
        adam.Step(new LinearRnn(M(2, 1), M(2, 2), M(3, 2)), new Gradients(M(2, 1), M(2, 2), M(3, 2)));
        adam.Step(new LinearRnn(M(2, 3), M(2, 2), M(1, 2)), new Gradients(M(2, 3), M(2, 2), M(1, 2)));
    }

    private static void TooLarge()
    {
        const int h = 50_000;
        var sparse = Matrix<double>.Build.Sparse(h, h);
        _ = new LinearRnn(Matrix<double>.Build.Sparse(h, 1), sparse, Matrix<double>.Build.Sparse(1, h));
    }

    /// <summary>A user's own loss on targets, which checks them as the library's do.</summary>
    private sealed class OwnTargets(SequenceBatch targets, bool hasPass = true) : Objective
    {
        protected override void CheckFits(ForwardPass forward) =>
            CheckTargets(targets, hasPass ? forward : null!);

        protected override double StepLoss(ReadOnlySpan<double> output, int sequence, int t) => 0.0;

        protected override void StepGradient(ReadOnlySpan<double> output, int sequence, int t, Span<double> gradient)
        {
        }
    }

    private static void Run(Objective objective) => BackwardThroughTime.Run(Forward, objective);

    private static void StepInPlace()
    {
        double[] state = new double[3];
        Model.Step(state, new double[2], state, new double[4]);
    }

    private static void StepIntoState()
    {
        double[] memory = new double[7];
        Model.Step(memory.AsSpan(0, 3), new double[2], new double[3], memory.AsSpan(2, 4));
    }

    private static Matrix<double> M(int rows, int columns) => Matrix<double>.Build.Dense(rows, columns, 0.5);

    private static Vector<double> V(int length, double value = 0.5) => Vector<double>.Build.Dense(length, value);

    private static Matrix<double> With(Matrix<double> matrix, int row, int column, double value)
    {
        matrix[row, column] = value;
        return matrix;
    }
}
