using Integration;
using Stack;

[assembly: AssemblyFixture(typeof(AssemblyWorlds))]
[assembly: TestFramework(typeof(LargestFirst))]
