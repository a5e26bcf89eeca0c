namespace Streaming.Connections;

/// <summary>A credential that belongs to one stream at a time.</summary>
internal interface IStreamSession
{
    void Enter(IReplaceableStream stream);

    void Leave(IReplaceableStream stream);
}
