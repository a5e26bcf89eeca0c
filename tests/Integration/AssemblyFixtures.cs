using Stack;

[assembly: AssemblyFixture(typeof(StackFixture))]
[assembly: TestCollectionOrderer(typeof(SharedFirst))]
