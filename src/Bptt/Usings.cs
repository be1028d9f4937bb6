// Names without a type of numbers mean doubles: the rooms above the engine compute in nothing else.

global using KernelSet = Bptt.Kernels.KernelSet<double>;
global using MatrixSpan = Bptt.Kernels.MatrixSpan<double>;
global using MatrixView = Bptt.Kernels.MatrixView<double>;
global using PackedMatrix = Bptt.Kernels.PackedMatrix<double>;
