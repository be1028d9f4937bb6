// What every test here uses. Tests run one after the other: torch counts its tensors for the whole process.

global using TorchSharp;
global using static TorchSharp.torch;

[assembly: CollectionBehavior(DisableTestParallelization = true)]
