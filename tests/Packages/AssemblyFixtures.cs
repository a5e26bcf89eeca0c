using Packages;

[assembly: AssemblyFixture(typeof(MadePackages))]
