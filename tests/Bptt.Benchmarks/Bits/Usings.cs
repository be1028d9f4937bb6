// The namespaces of the library that the cases use, in this one place: a case is the same text in every build that is
// compared.

global using Bptt.Diagnostics;
global using Bptt.Files;
global using Bptt.Graphs;
global using Bptt.Identification;
global using Bptt.LinearRecurrence;
global using Bptt.Optimization;
global using Bptt.Remedies;
global using Bptt.Training;
global using Bptt.Verification;
