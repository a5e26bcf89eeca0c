using Browser;
using Stack;

[assembly: AssemblyFixture(typeof(StackFixture))]
[assembly: AssemblyFixture(typeof(BrowserFixture))]
[assembly: TestFramework(typeof(LargestFirst))]
