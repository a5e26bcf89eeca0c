using Stack;

[assembly: AssemblyFixture(typeof(StackFixture))]
