// The examples in the library's documentation, compiled and run. PublicSurfaceTests compares them with the comments.

using Bptt;
using Bptt.Diagnostics;
using Bptt.Files;
using Bptt.Forecasting;
using Bptt.Identification;
using Bptt.Optimization;
using Bptt.Remedies;
using Bptt.Sharding;
using Bptt.Telemetry;
using Bptt.Training;
using Bptt.Verification;
using MathNet.Numerics.LinearAlgebra;

namespace DocumentationExample; // outside Bptt, as a user's code is

internal static class DocumentationExamples
{
    /// <summary>Each example by the type that it is an example of; it writes what it prints.</summary>
    public static Dictionary<string, Action<TextWriter>> All { get; } = new()
    {
        ["AdjointTest"] = OfAdjointTest,
        ["BpttTelemetry"] = OfBpttTelemetry,
        ["CurvatureProduct"] = OfCurvatureProduct,
        ["DataShard"] = OfDataShard,
        ["DiagonalRnn"] = OfDiagonalRnn,
        ["FlatMemory"] = OfFlatMemory,
        ["ForecasterOptions"] = OfForecasterOptions,
        ["GradientCheck"] = OfGradientCheck,
        ["GradientClipping"] = OfGradientClipping,
        ["GradientEntries"] = OfGradientEntries.Run,
        ["GradientFlow"] = OfGradientFlow,
        ["GradientOptimizer"] = OfGradientOptimizer.Run,
        ["IShardExecutor"] = OfIShardExecutor.Run,
        ["IShardedData"] = OfIShardedData.Run,
        ["LearningRateSchedule"] = OfLearningRateSchedule,
        ["LinearRnnFile"] = OfLinearRnnFile,
        ["MemoryPlan"] = OfMemoryPlan,
        ["Precision"] = OfPrecision,
        ["PrecisionCheck"] = OfPrecisionCheck,
        ["RecurrenceMethod"] = OfRecurrenceMethod,
        ["Regularizer"] = OfRegularizer.Run,
        ["ResidualAnalysis"] = OfResidualAnalysis,
        ["S5Options"] = OfS5Options,
        ["SafeTensorsFile"] = OfSafeTensorsFile,
        ["Standardizer"] = OfStandardizer,
        ["StoredTensor"] = OfStoredTensor,
        ["SubspaceIdentificationOptions"] = OfSubspaceIdentificationOptions,
        ["SystemIdentification"] = OfSystemIdentification,
        ["TaylorTest"] = OfTaylorTest,
        ["TensorRows"] = OfTensorRows,
        ["Trainer"] = OfTrainer,
        ["TrainingLoss"] = OfTrainingLoss,
        ["WeightConstraint"] = OfWeightConstraint.Run,
    };

    private static void OfAdjointTest(TextWriter Console)
    {
        BackwardThroughTime backward = Backward();

        // example of AdjointTest from here
        foreach (AdjointPair pair in AdjointTest.Run(backward, directionCount: 3).Pairs)
        {
            Console.WriteLine($"{pair.Forward:G6} forward in time, {pair.Backward:G6} backward: {pair.Verdict}");
        }
        // example of AdjointTest to here
    }

    private static void OfBpttTelemetry(TextWriter output)
    {
        LinearRnn model = Model();
        SequenceBatch inputs = Inputs(1);
        var objective = Objective.SquaredError(Targets(inputs));
        using var Console = TextWriter.Synchronized(output); // the trainings of other tests are heard too

        // example of BpttTelemetry from here
        using var listener = new System.Diagnostics.Metrics.MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == BpttTelemetry.MeterName)
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, _, _) =>
            Console.WriteLine($"{instrument.Name} {value:G3}"));
        listener.Start();
        Trainer.Run(model, inputs, objective);
        // example of BpttTelemetry to here
    }

    private static void OfCurvatureProduct(TextWriter Console)
    {
        LinearRnn model = Model();
        BackwardThroughTime backward = Backward();

        // example of CurvatureProduct from here
        // How the gradient changes where W_hh does: H v, by one pass more than the gradient itself.
        var direction = new TangentDirection { Whh = Matrix<double>.Build.DenseIdentity(model.HiddenSize) };
        CurvatureProduct product = LossCurvature.Of(backward).HessianProduct(direction);
        Console.WriteLine($"‖H v‖ over all weights: {product.Weights.GlobalNorm():G4}");
        // example of CurvatureProduct to here
    }

    private static void OfDiagonalRnn(TextWriter Console)
    {
        // example of DiagonalRnn from here
        // A layer that JAX has trained, as arrays in a .npz file, read as an exact real network.
        var file = new MemoryStream();
        NumPyFile.SaveArchive(file, new Dictionary<string, StoredTensor>
        {
            ["nu_log"] = new([1], [-2.0]),
            ["theta_log"] = new([1], [-1.0]),
            ["gamma_log"] = new([1], [-0.5]),
            ["B_re"] = new([1, 1], [1.0]),
            ["B_im"] = new([1, 1], [0.0]),
            ["C_re"] = new([1, 1], [2.0]),
            ["C_im"] = new([1, 1], [-1.0]),
            ["D"] = new([1], [0.5]),
        });
        file.Position = 0;
        var layer = DiagonalRnn.OfLru(NumPyFile.LoadArchive(file));
        var real = layer.ToLinearRnn();
        Console.WriteLine($"|λ| = {layer.Eigenvalues[0].Magnitude:F4}, {real.HiddenSize} real hidden units");
        // example of DiagonalRnn to here
    }

    private static void OfFlatMemory(TextWriter Console)
    {
        // example of FlatMemory from here
        // Weights, inputs and outputs as an ML library holds them: flat floats, row after row, (batch, time, feature).
        float[] whx = [0.5f, 1.0f];
        float[] whh = [0.5f, 0.0f, 0.0f, 0.8f];
        float[] inputs = [1.0f, 0.0f, 2.0f, 0.0f];
        float[] outputs = new float[4];
        LinearRnn model = FlatMemory.CreateModel(whx, whh, [1.0f, 1.0f], hiddenSize: 2, MatrixOrder.RowMajor);
        var batch = SequenceBatch.FromTensor(inputs, count: 1, steps: 4, features: 1, TensorOrder.BatchTimeFeature);
        ForwardPass.Run(model, batch).CopyOutputsTo(outputs);
        Console.WriteLine($"o_4 = {outputs[3]:G6}");
        // example of FlatMemory to here
    }

    private static void OfForecasterOptions(TextWriter Console)
    {
        Matrix<double> sales = Matrix<double>.Build.Dense(
            1, 120, (_, t) => Math.Exp(0.01 * t + 0.3 * Math.Sin(Math.PI * t / 6.0) + 0.05 * Math.Sin(t * t)));
        Matrix<double> newSales = Matrix<double>.Build.Dense(1, 1, 3.4);

        // example of ForecasterOptions from here
        // Ten years of monthly sales; the last two judge.
        var options = new ForecasterOptions { Season = 12, OutputNames = ["sales"] };
        ForecastEvaluation judged = Forecaster.Evaluate(sales, trainingCount: 96, options: options);
        foreach (ForecastScore score in judged.Scores)
        {
            Console.WriteLine($"{score.Method}: {score.PathRmse:F1}");
        }

        // The next year, by the same structure fitted on all rows.
        SeriesForecast forecast = judged.Forecaster.Forecast(12, levels: [0.9]);
        PredictionInterval range = forecast.Intervals[0];
        Console.WriteLine($"{forecast.Values[0, 0]:F0}, from {range.Lower[0, 0]:F0} to {range.Upper[0, 0]:F0}");

        // A month later, with what was measured since; a value that is missing is NaN.
        Forecaster later = judged.Forecaster.Update(newSales);
        Console.WriteLine($"then {later.Forecast(1).Values[0, 0]:F0}, after {later.CountSeen(sales)} known months");
        // example of ForecasterOptions to here
    }

    private static void OfGradientCheck(TextWriter Console)
    {
        SequenceBatch inputs = Inputs(1);
        var forward = ForwardPass.Run(Model(), inputs);
        var objective = Objective.SquaredError(Targets(inputs));

        // example of GradientCheck from here
        var check = GradientCheck.Run(forward, objective);
        foreach (ParameterCheck parameter in check.Parameters)
        {
            CheckedEntry worst = parameter.Worst;
            string way = worst.Method == DerivativeMethod.ComplexStep ? "complex step" : "differences";
            Console.WriteLine($"{parameter.Parameter}: {parameter.Verdict}, off by {worst.Error:G2} at most ({way})");
        }
        foreach (DirectionCheck direction in check.Directions)
        {
            Console.WriteLine($"along a random direction: {direction.Verdict}");
        }
        // example of GradientCheck to here
    }

    private static void OfGradientClipping(TextWriter Console)
    {
        LinearRnn model = Model();
        BackwardThroughTime backward = Backward();

        // example of GradientClipping from here
        // One clipped step by hand, certified: clipping by the global norm multiplies by one factor.
        ClippedGradients clipped = new GlobalNormClipping(0.1).Apply(backward.Gradients);
        var certificate = GradientCertificate.Run(backward, clipped.Gradients, clipped.Factor ?? 1.0);
        LinearRnn next = new Sgd(learningRate: 0.5).Step(model, clipped.Gradients);
        Console.WriteLine($"{certificate.Verdict}: norm {clipped.NormBefore:G3}, W_qh moves to {next.Wqh[0, 0]:G4}");
        // example of GradientClipping to here
    }

    private static void OfGradientFlow(TextWriter Console)
    {
        BackwardThroughTime backward = Backward();

        // example of GradientFlow from here
        var flow = GradientFlow.Of(backward);
        string advice = flow.Verdict switch
        {
            GradientFlowVerdict.Exploding => "clip, or start from a smaller spectral radius",
            GradientFlowVerdict.Vanishing => $"losses reach about {flow.LagWhereFlowFallsTo(0.01)} steps back",
            _ => "nothing to do",
        };
        if (flow.FirstNonFinite is NonFiniteOrigin origin)
        {
            advice = $"look at {origin.Quantity}, step {origin.Step}";
        }
        Console.WriteLine(advice);
        // example of GradientFlow to here
    }

    private static void OfLearningRateSchedule(TextWriter Console)
    {
        // example of LearningRateSchedule from here
        // α/√u, which Robbins and Monro's conditions allow with noise; and the same after 10 updates of warming up.
        var root = LearningRateSchedule.Of("1/√u", update => 1.0 / Math.Sqrt(update));
        var warm = LearningRateSchedule.WarmUp(10, root);
        Console.WriteLine($"{warm}: {warm.Factor(5):F2}, {warm.Factor(10):F2}, {warm.Factor(14):F2}");
        // example of LearningRateSchedule to here
    }

    private static void OfMemoryPlan(TextWriter Console)
    {
        LinearRnn model = Model();
        var longInputs = Matrix<double>.Build.Dense(1, 20_000, (_, t) => Math.Sin(t));

        // example of MemoryPlan from here
        // A long sequence in a budget of 64 kB for states and state gradients.
        var options = new ExecutionOptions { MemoryBudget = 64 * 1024 };
        MemoryPlan plan = ForwardPass.Run(model, longInputs, options: options).MemoryPlan;
        Console.WriteLine($"{plan.WindowCount} windows, {plan.HeldBytes} bytes held");
        // example of MemoryPlan to here
    }

    private static void OfPrecision(TextWriter Console)
    {
        LinearRnn model = Model();
        SequenceBatch inputs = Inputs(1);

        // example of Precision from here
        var single = ForwardPass.Run(model, inputs, options: new ExecutionOptions { Precision = Precision.Single });
        Console.WriteLine($"{single.Precision}: o_1 = {single.Output(1)[0]:G6}");
        // example of Precision to here
    }

    private static void OfPrecisionCheck(TextWriter Console)
    {
        LinearRnn model = Model();
        SequenceBatch inputs = Inputs(1);
        var objective = Objective.SquaredError(Inputs(1));

        // example of PrecisionCheck from here
        // Is float good enough for this model and these data?
        var options = new ExecutionOptions { Precision = Precision.Single };
        var single = BackwardThroughTime.Run(ForwardPass.Run(model, inputs, options: options), objective);
        var check = PrecisionCheck.Run(single);
        Console.WriteLine($"outputs {check.OutputError:E0}, gradients {check.GradientError:E0}");
        // example of PrecisionCheck to here
    }

    private static void OfRecurrenceMethod(TextWriter Console)
    {
        var forward = ForwardPass.Run(Model(), Inputs(1));

        // example of RecurrenceMethod from here
        RecurrenceMethod method = forward.Method;
        Console.WriteLine($"{method.Recurrence}, {method.ChunkLength} steps at once");
        // example of RecurrenceMethod to here
    }

    private static void OfLinearRnnFile(TextWriter Console)
    {
        LinearRnn model = Model();
        var inputs = Matrix<double>.Build.Dense(model.InputSize, 30, (i, t) => Math.Sin(0.3 * t * (i + 1)));
        Matrix<double> targets = ForwardPass.Run(model, inputs).Outputs();

        // example of LinearRnnFile from here
        // A model that meets a plant in the middle of its work: the state is estimated from what was measured first.
        var plant = new LinearRnnFile(model);
        Matrix<double> firstInputs = inputs.SubMatrix(0, inputs.RowCount, 0, 2);
        Matrix<double> firstOutputs = targets.SubMatrix(0, targets.RowCount, 0, 2);
        Vector<double> state = plant.EstimateInitialState(firstInputs, firstOutputs);
        Matrix<double> goesOn = plant.Predict(inputs, state);

        // Or at every step anew, three steps ahead.
        Matrix<double> ahead = plant.PredictAhead(inputs, targets, horizon: 3, window: 2);
        // example of LinearRnnFile to here

        Console.WriteLine($"{goesOn[0, 5]:F3} {ahead[0, 5]:F3}");
    }

    private static void OfResidualAnalysis(TextWriter Console)
    {
        LinearRnn model = Model();
        var random = new Random(1);
        var inputs = Matrix<double>.Build.Dense(model.InputSize, 30, (_, _) => random.NextDouble());
        Matrix<double> targets = ForwardPass.Run(model, inputs).Outputs();
        targets.MapInplace(y => y + random.NextDouble(), Zeros.Include);

        // example of ResidualAnalysis from here
        Matrix<double> residuals = targets - ForwardPass.Run(model, inputs).Outputs();
        var analysis = ResidualAnalysis.Of(SequenceBatch.Pack([residuals]), SequenceBatch.Pack([inputs]), lags: 5);
        Console.WriteLine($"r_1 = {analysis.Autocorrelation(0, 1):G2}");
        Console.WriteLine($"were they white, with probability {analysis.WhitenessProbability(0):G2}");
        if (analysis.IndependenceProbability(0, 0) < 0.01)
        {
            Console.WriteLine($"input 1 explains more: {analysis.InputCorrelation(0, 0, 2):G2} two steps later");
        }
        // example of ResidualAnalysis to here
    }

    private static void OfS5Options(TextWriter Console)
    {
        // example of S5Options from here
        // A layer of one state, as it stands in a file.
        var tensors = new Dictionary<string, StoredTensor>
        {
            ["Lambda_re"] = new([1], [-0.5]),
            ["Lambda_im"] = new([1], [3.0]),
            ["log_step"] = new([1, 1], [-2.3]),
            ["B"] = new([1, 1, 2], [1.0, 0.0]),
            ["C"] = new([1, 1, 2], [0.5, 0.25]),
            ["D"] = new([1], [0.0]),
        };
        var options = new S5Options { Discretization = S5Discretization.Bilinear };
        var real = DiagonalRnn.OfS5(tensors, options).ToLinearRnn();
        Console.WriteLine($"W_hh[0, 0] = {real.Whh[0, 0]:F4}");
        // example of S5Options to here
    }

    private static void OfSafeTensorsFile(TextWriter Console)
    {
        LinearRnn model = Model();

        // example of SafeTensorsFile from here
        // To PyTorch, which loads it with safetensors.torch.load_file, and back.
        var file = new MemoryStream();
        SafeTensorsFile.Of(new LinearRnnFile(model), WeightNames.PyTorch, Precision.Single).Save(file);
        file.Position = 0;
        var loaded = SafeTensorsFile.Load(file);
        LinearRnn same = loaded.ToModelFile(WeightNames.PyTorch).Model;
        Console.WriteLine($"{string.Join(", ", loaded.Tensors.Keys)}: {same.HiddenSize} hidden units");
        // example of SafeTensorsFile to here
    }

    private static void OfStandardizer(TextWriter Console)
    {
        LinearRnn model = Model();
        var power = Matrix<double>.Build.Dense(1, 100, (_, t) => 500.0 + (300.0 * Math.Cos(0.1 * t * t)));
        var temperature = Matrix<double>.Build.Dense(1, 100, (_, t) => 40.0 + (0.02 * power[0, Math.Max(0, t - 1)]));

        // example of Standardizer from here
        // Measured values of a heater: power in W, temperature in °C.
        var inputs = Standardizer.Fit(power, "power");
        var outputs = Standardizer.Fit(temperature, "temperature");
        TrainingResult result = Trainer.Run(
            model, inputs.Apply(power), Objective.SquaredError(outputs.Apply(temperature)));
        var file = new LinearRnnFile(result.Model, null, inputs.Channels, outputs.Channels);
        Matrix<double> predicted = file.Predict(power);
        Console.WriteLine($"{outputs.Channels[0].Name}: {predicted[0, 99]:F1} °C, measured {temperature[0, 99]:F1} °C");
        // example of Standardizer to here
    }

    private static void OfStoredTensor(TextWriter Console)
    {
        LinearRnn model = Model();

        // example of StoredTensor from here
        // A matrix to NumPy and back: numpy.load reads the same bytes.
        var file = new MemoryStream();
        NumPyFile.Save(file, StoredTensor.Of(model.Whh, Precision.Single));
        file.Position = 0;
        StoredTensor whh = NumPyFile.Load(file);
        string kind = whh.Format == FloatFormat.Float32 ? "floats" : "doubles";
        Console.WriteLine($"{string.Join('×', whh.Shape)} {kind}, the first {whh.ToMatrix()[0, 0]:G4}");
        // example of StoredTensor to here
    }

    private static void OfSubspaceIdentificationOptions(TextWriter Console)
    {
        SequenceBatch inputs = Inputs(1);
        SequenceBatch targets = Targets(inputs);

        // example of SubspaceIdentificationOptions from here
        // A network that always starts at rest, of an order that the data suggest.
        var options = new SubspaceIdentificationOptions { EstimateInitialStates = false, MaxOrder = 8 };
        var found = SubspaceIdentification.Estimate(inputs, targets, options);
        (LinearRnn start, _) = found.Start(hiddenSize: found.SuggestedOrder);
        Console.WriteLine($"{start.HiddenSize} hidden units");
        // example of SubspaceIdentificationOptions to here
    }

    private static void OfSystemIdentification(TextWriter Console)
    {
        SequenceBatch inputBatch = Inputs(1);
        SequenceBatch targetBatch = Targets(inputBatch);

        // example of SystemIdentification from here
        IdentifiedSystem found = SystemIdentification.Estimate(inputBatch, targetBatch);
        Console.WriteLine($"order {found.Order}, {found.Candidates.Count} candidates compared");
        Matrix<double> predicted = found.Simulate(inputBatch.Sequence(0), found.InitialStates.Column(0));
        Console.WriteLine($"from {predicted[0, 0]:G3}, of which {found.Offset[0]:G3} is the offset");

        // What is known is said: the order, the offset, and that only the free run matters.
        var options = new SystemIdentificationOptions
        {
            Order = 2,
            EstimateOffset = true,
            Methods = IdentificationMethods.OutputError,
        };
        var progress = new Progress<IdentificationProgress>(p => Console.WriteLine($"{p.Fraction:P0} {p.Doing}"));
        found = SystemIdentification.Estimate(inputBatch, targetBatch, options, progress);
        foreach (IdentificationCandidate candidate in found.Candidates)
        {
            Console.WriteLine($"{candidate.Name}: {candidate.Score:G3} on steps left out");
        }
        if (found.Innovations is InnovationsForm innovations)
        {
            Console.WriteLine($"one step ahead from measured outputs: {innovations.NoiseCovariance[0, 0]:G3}");
        }
        // example of SystemIdentification to here
    }

    private static void OfTaylorTest(TextWriter Console)
    {
        SequenceBatch inputs = Inputs(1);
        var forward = ForwardPass.Run(Model(), inputs);
        var objective = Objective.SquaredError(Targets(inputs));

        // example of TaylorTest from here
        // ε halves from one line to the next, the remainder falls to a quarter.
        foreach (TaylorRemainder remainder in TaylorTest.Run(forward, objective).Remainders)
        {
            Console.WriteLine($"ε = {remainder.StepSize:G3}: {remainder.Remainder:G3}");
        }
        // example of TaylorTest to here
    }

    private static void OfTensorRows(TextWriter Console)
    {
        string folder = Directory.CreateTempSubdirectory("bptt").FullName;

        // example of TensorRows from here
        // The rows 1000 to 1009 of an array that need not fit into memory.
        string path = Path.Combine(folder, "measured.npy");
        NumPyFile.Save(path, new StoredTensor([5000, 2], new double[10_000]));
        using var rows = TensorRows.Open(path);
        double[] ten = rows.Read(1000, 10);
        Console.WriteLine($"{rows.RowCount} rows of {rows.RowLength}: {ten.Length} numbers");
        // example of TensorRows to here

        Directory.Delete(folder, recursive: true);
    }

    private static void OfTrainer(TextWriter Console)
    {
        LinearRnn model = Model();
        SequenceBatch inputs = Inputs(1);
        var objective = Objective.SquaredError(Targets(inputs));
        SequenceBatch otherInputs = Inputs(2);
        var otherObjective = Objective.SquaredError(Targets(otherInputs));

        // example of Trainer from here
        var options = new TrainerOptions
        {
            Validation = new ValidationSet(otherInputs, otherObjective),
            Patience = 20,
            MaxEpochs = 200,
            NonFinite = NonFinitePolicy.Throw,
        };
        try
        {
            TrainingResult result = Trainer.Run(model, inputs, objective, options);
            EpochRecord last = result.History[^1];
            Console.WriteLine($"validation loss {last.ValidationLoss:G3} after epoch {last.Epoch}");
        }
        catch (TrainingDivergedException e)
        {
            Console.WriteLine($"the best weights before that are kept: {e.Result.BestLoss}");
        }
        // example of Trainer to here
    }

    private static void OfTrainingLoss(TextWriter Console)
    {
        LinearRnn model = Model();
        SequenceBatch inputs = Inputs(1);
        var objective = Objective.SquaredError(Targets(inputs));

        // example of TrainingLoss from here
        // A training loop of your own, with a penalty and any method of first order.
        GradientOptimizer optimizer = new Adam(0.01);
        var loss = new TrainingLoss(
            inputs, objective, new TrainingLossOptions { Regularizers = [new L2Regularizer(1e-4)] });
        var parameters = new Parameters(model);
        for (int update = 1; update <= 100; update++)
        {
            TrainingPoint point = loss.Evaluate(parameters);
            parameters = parameters.With(optimizer.Step(parameters.ToVector(), point.GradientVector()));
        }
        Console.WriteLine($"from {loss.Loss(new Parameters(model)):G3} to {loss.Loss(parameters):G3}");
        // example of TrainingLoss to here
    }

    private static void OfDataShard(TextWriter Console)
    {
        LinearRnn model = Model();
        SequenceBatch batch = Inputs(4);
        var batchObjective = Objective.SquaredError(Targets(batch));

        // example of DataShard from here
        // The loss of the whole as a sum over three shards, each of which could be anywhere.
        IReadOnlyList<DataShard> shards = DataShard.Cut(batch, batchObjective, count: 3);
        double[] flat = new Parameters(model).ToVector().ToArray();
        var task = new ShardTask(
            ShardQuantity.Loss, model.InputSize, model.HiddenSize, model.OutputSize, flat);
        double loss = 0.0;
        foreach (DataShard shard in shards)
        {
            var elsewhere = DataShard.FromBytes(shard.ToBytes());
            loss += new ShardComputation(elsewhere).Run(task)[0];
        }
        Console.WriteLine($"{shards.Count} shards: L = {loss:G6}, by {EngineIdentity.Arithmetic}");
        // example of DataShard to here
    }

    private static LinearRnn Model() => Initializer.Orthogonal(
        inputSize: 1, hiddenSize: 3, outputSize: 1, seed: 7, spectralRadius: 0.7);

    private static SequenceBatch Inputs(int seed) => SequenceBatch.Pack([.. Enumerable.Range(1, 3).Select(
        b => Matrix<double>.Build.Dense(1, 20 * b, (_, t) => Math.Cos(seed + (0.1 * b * t * t))))]);

    /// <summary>The outputs of a system that the model is not.</summary>
    private static SequenceBatch Targets(SequenceBatch inputs) => ForwardPass.Run(
        Initializer.Orthogonal(1, 2, 1, seed: 8, spectralRadius: 0.9), inputs).OutputBatch();

    private static BackwardThroughTime Backward()
    {
        SequenceBatch inputs = Inputs(1);
        return BackwardThroughTime.Run(ForwardPass.Run(Model(), inputs), Objective.SquaredError(Targets(inputs)));
    }

    /// <summary>Trains with what an example has written, which must make the loss smaller.</summary>
    private static void Train(TextWriter console, TrainerOptions options)
    {
        SequenceBatch inputs = Inputs(1);
        TrainingResult result = Trainer.Run(
            Model(), inputs, Objective.SquaredError(Targets(inputs)), options with { MaxEpochs = 20 });
        if (result.History[^1].Loss < result.History[0].Loss)
        {
            console.WriteLine(options);
        }
    }

    private static class OfGradientEntries
    {
        // example of GradientEntries from here
        // A bound that no gradient reaches, without a kink: g ← g θ/(θ + ‖g‖).
        public sealed class SoftClipping(double bound) : GradientClipping
        {
            protected override FormattableString Settings => $"bound {bound}";

            protected override double? Clip(GradientEntries gradients)
            {
                double factor = bound / (bound + gradients.Norm());
                gradients.Scale(factor);
                return factor;
            }
        }
        // example of GradientEntries to here

        public static void Run(TextWriter console) => Train(
            console, new TrainerOptions { Clipping = new SoftClipping(0.5) });
    }

    private static class OfGradientOptimizer
    {
        // example of GradientOptimizer from here
        // RMSprop (Tieleman & Hinton 2012): each gradient over the root of its running mean square.
        public sealed class RmsProp(double learningRate, double decay = 0.9)
            : GradientOptimizer(learningRate, "mean square")
        {
            protected override FormattableString Settings => $"decay {decay}";

            protected override void Move(GradientStep update)
            {
                Span<double> meanSquare = update.Memory("mean square");
                for (int i = 0; i < update.Parameters.Length; i++)
                {
                    double g = update.Gradient[i];
                    meanSquare[i] = decay * meanSquare[i] + (1.0 - decay) * g * g;
                    update.Parameters[i] -= LearningRate * g / (Math.Sqrt(meanSquare[i]) + 1e-8);
                }
            }
        }
        // example of GradientOptimizer to here

        public static void Run(TextWriter console) => Train(
            console, new TrainerOptions { Optimizer = new RmsProp(0.01) });
    }

    private static class OfIShardExecutor
    {
        // example of IShardExecutor from here
        // Every shard by another thread of this process, in whatever order.
        public sealed class OnThreads : IShardExecutor
        {
            public IShardRunner Start(IReadOnlyList<DataShard> shards) => new Runner(shards);

            private sealed class Runner(IReadOnlyList<DataShard> shards) : IShardRunner
            {
                private readonly ShardComputation[] _computations =
                    [.. shards.Select(shard => new ShardComputation(shard, maxDegreeOfParallelism: 1))];

                public IReadOnlyList<ReadOnlyMemory<double>> Run(ShardTask task, CancellationToken cancellation)
                {
                    var terms = new ReadOnlyMemory<double>[_computations.Length];
                    Parallel.For(0, terms.Length, k => terms[k] = _computations[k].Run(task, cancellation));
                    return terms;
                }

                public void Dispose()
                {
                }
            }
        }
        // example of IShardExecutor to here

        public static void Run(TextWriter console) => Train(
            console, new TrainerOptions { Shards = 2, Gradients = new OnThreads() });
    }

    private static class OfIShardedData
    {
        // example of IShardedData from here
        // Shards whose numbers are made when they are wanted, and kept by nobody.
        public sealed class MadeAnew(Func<int, DataShard> shard, int count) : IShardedData, IShardRunner
        {
            private readonly int[][] _lengths =
                [.. Enumerable.Range(0, count).Select(k => shard(k).Inputs.Lengths.ToArray())];

            public int InputSize => 1;

            public int OutputSize => 1;

            public IReadOnlyList<IReadOnlyList<int>> Lengths => _lengths;

            public string Identity => "made by the same rule";

            public IShardRunner Start(ExecutionOptions execution) => this;

            public IReadOnlyList<ReadOnlyMemory<double>> Run(
                ShardTask task, CancellationToken cancellation) =>
            [
                .. Enumerable.Range(0, count).Select(
                    k => (ReadOnlyMemory<double>)new ShardComputation(shard(k)).Run(task, cancellation)),
            ];

            public void Dispose()
            {
            }
        }
        // example of IShardedData to here

        public static void Run(TextWriter console)
        {
            SequenceBatch inputs = Inputs(1);
            IReadOnlyList<DataShard> shards = DataShard.Cut(inputs, Objective.SquaredError(Targets(inputs)), 3);
            TrainingResult result = Trainer.Run(Model(), new MadeAnew(k => shards[k], 3), new() { MaxEpochs = 20 });
            console.WriteLine(result.Summary);
        }
    }

    private static class OfRegularizer
    {
        // example of Regularizer from here
        // Sparse recurrent weights: Ω = λ Σ |W_hh|, and its subgradient λ sign(W_hh).
        public sealed class L1Regularizer(double strength) : Regularizer
        {
            protected override FormattableString Settings => $"strength {strength}";

            public override (double Value, Gradients Gradients) Evaluate(BackwardThroughTime backward)
            {
                LinearRnn model = backward.Forward.Model;
                double value = strength * model.Whh.Enumerate().Sum(Math.Abs);
                Matrix<double> gradient = strength * model.Whh.PointwiseSign();
                return (value, new Gradients(0.0 * model.Whx, gradient, 0.0 * model.Wqh));
            }
        }
        // example of Regularizer to here

        public static void Run(TextWriter console) => Train(
            console, new TrainerOptions { Regularizers = [new L1Regularizer(1e-3)] });
    }

    private static class OfWeightConstraint
    {
        // example of WeightConstraint from here
        // Hidden units that do not talk to each other: the nearest diagonal matrix.
        public sealed class DiagonalConstraint : WeightConstraint
        {
            protected override FormattableString Settings => $"";

            protected override Matrix<double>? Project(Matrix<double> whh)
            {
                var diagonal = Matrix<double>.Build.DenseOfDiagonalVector(whh.Diagonal());
                return diagonal.Equals(whh) ? null : diagonal;
            }
        }
        // example of WeightConstraint to here

        public static void Run(TextWriter console) => Train(
            console, new TrainerOptions { Constraints = [new DiagonalConstraint()] });
    }
}
