using Browser.Tests;
using Stack;

[assembly: AssemblyFixture(typeof(StackFixture))]
[assembly: AssemblyFixture(typeof(BrowserFixture))]
// One browser and one stack on few cores: side by side the pages would only wait for each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
