// The namespaces of the library that the cases use, in this one place: a case is the same text in every build that is
// compared.

global using Bptt.Diagnostics;
global using Bptt.Interop;
global using Bptt.LinearRecurrence;
global using Bptt.Training;
global using Bptt.Verification;
