using Stack;

[assembly: AssemblyFixture(typeof(StoresFixture))]
[assembly: TestFramework(typeof(LargestFirst))]
