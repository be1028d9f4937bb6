// One test after the other: each starts processes that compute.

[assembly: CollectionBehavior(DisableTestParallelization = true)]
