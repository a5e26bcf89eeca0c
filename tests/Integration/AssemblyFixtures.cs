using Stack;

[assembly: AssemblyFixture(typeof(StackFixture))]
[assembly: TestFramework(typeof(LargestFirst))]
