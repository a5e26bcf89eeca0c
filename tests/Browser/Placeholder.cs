namespace Browser.Tests; public class Placeholder { [Fact] public void Holds() => Assert.True(true); }
