// Names without a type of numbers mean doubles: the rooms above the engine compute in nothing else.

#pragma warning disable IDE0005 // this file serves several projects, which use some of the names each

global using BackwardFormulas = Bptt.Passes.BackwardFormulas<double>;
global using BackwardRecord = Bptt.Passes.BackwardRecord<double>;
global using BlockRecurrence = Bptt.LinearRecurrence.BlockRecurrence<double>;
global using BufferPool = Bptt.Passes.BufferPool<double>;
global using Carries = Bptt.LinearRecurrence.Carries<double>;
global using Chunking = Bptt.LinearRecurrence.Chunking<double>;
global using FinalStates = Bptt.Passes.FinalStates<double>;
global using FormulasOfWindow = Bptt.Passes.FormulasOfWindow<double>;
global using ForwardFormulas = Bptt.Passes.ForwardFormulas<double>;
global using ForwardRecord = Bptt.Passes.ForwardRecord<double>;
global using GradientRows = Bptt.Passes.GradientRows<double>;
global using IGradientFormulas = Bptt.Passes.IGradientFormulas<double>;
global using IKnownStates = Bptt.LinearRecurrence.IKnownStates<double>;
global using IRecurrenceFormulas = Bptt.Passes.IRecurrenceFormulas<double>;
global using KernelSet = Bptt.Kernels.KernelSet<double>;
global using LagCorrelations = Bptt.Passes.LagCorrelations<double>;
global using LagPowers = Bptt.Passes.LagPowers<double>;
global using LagSums = Bptt.Passes.LagSums<double>;
global using MatrixSpan = Bptt.Kernels.MatrixSpan<double>;
global using MatrixView = Bptt.Kernels.MatrixView<double>;
global using PackedColumns = Bptt.LinearRecurrence.PackedColumns<double>;
global using PackedFactor = Bptt.Passes.PackedFactor<double>;
global using PackedMatrix = Bptt.Kernels.PackedMatrix<double>;
global using ParameterArray = Bptt.Passes.ParameterArray<double>;
global using PassContext = Bptt.Passes.PassContext<double>;
global using PassFormulas = Bptt.Passes.PassFormulas<double>;
global using PassRun = Bptt.Passes.PassRun<double>;
global using PassSettings = Bptt.Passes.PassSettings<double>;
global using PassTasks = Bptt.Passes.PassTasks<double>;
global using PassWindow = Bptt.Passes.PassWindow<double>;
global using RecurrenceRun = Bptt.Passes.RecurrenceRun<double>;
global using ShiftedProduct = Bptt.Passes.ShiftedProduct<double>;
global using Trajectory = Bptt.LinearRecurrence.Trajectory<double>;
global using TransitionMatrix = Bptt.LinearRecurrence.TransitionMatrix<double>;
global using TransitionPower = Bptt.LinearRecurrence.TransitionPower<double>;
global using WeightGradientFormulas = Bptt.Passes.WeightGradientFormulas<double>;
global using WindowColumns = Bptt.Passes.WindowColumns<double>;
