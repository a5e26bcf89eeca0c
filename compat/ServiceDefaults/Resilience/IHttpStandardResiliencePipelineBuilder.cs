// Stands in for Microsoft.Extensions.Http.Resilience. Not affiliated with Microsoft or the .NET Foundation.
using Microsoft.Extensions.DependencyInjection;

namespace Microsoft.Extensions.Http.Resilience;

public interface IHttpStandardResiliencePipelineBuilder
{
    string PipelineName { get; }

    IServiceCollection Services { get; }
}
