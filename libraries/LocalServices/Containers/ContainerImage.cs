namespace LocalServices;

internal sealed record ContainerImage(string Registry, string Name, string Tag)
{
    public override string ToString() => $"{Registry}/{Name}:{Tag}";
}
