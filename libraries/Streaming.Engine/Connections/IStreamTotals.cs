namespace Streaming.Connections;

/// <summary>Reads the numbers of all streams.</summary>
internal interface IStreamTotals
{
    SseStats Read();
}
