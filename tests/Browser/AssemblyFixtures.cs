using Browser;
using Stack;

[assembly: AssemblyFixture(typeof(PagesFixture))]
[assembly: TestFramework(typeof(LargestFirst))]
