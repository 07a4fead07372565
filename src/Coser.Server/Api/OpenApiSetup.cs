using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace Coser.Server.Api;

/// <summary>The API's description at /openapi/v1.json, and pages to read it at /api, which load nothing from elsewhere.</summary>
internal static class OpenApiSetup
{
    public const string Reference = "/api";
    private const string Document = "/openapi/v1.json";
    private const string BearerName = "key";

    public static void Add(IServiceCollection services)
    {
        services.AddSingleton<JobStreams>();
        services.AddOpenApi(
            "v1",
            o =>
            {
                o.ShouldInclude = d =>
                    d.RelativePath?.StartsWith(RouteGroups.Base[1..], StringComparison.Ordinal) == true;
                o.AddDocumentTransformer(DescribeAsync);
                o.AddOperationTransformer(FormAsync);
            }
        );
    }

    public static void Map(WebApplication app)
    {
        app.MapOpenApi("/openapi/{documentName}.json");
        app.MapScalarApiReference(
            Reference,
            o =>
            {
                o.Title = "CoSeR API";
                o.OpenApiRoutePattern = Document;
                o.DefaultFonts = false;
                o.WithTheme(ScalarTheme.Default);
            }
        );
    }

    private static Task DescribeAsync(
        OpenApiDocument document,
        OpenApiDocumentTransformerContext context,
        CancellationToken cancel
    )
    {
        document.Info = new OpenApiInfo
        {
            Title = "CoSeR",
            Version = "1",
            Description =
                "Restores and enlarges photos. A photo that is handed in becomes a job; a worker restores it; events say how far "
                + "it is. Problems are answered as RFC 9457 problem details with a `code`.",
        };
        document.Servers = [new OpenApiServer { Url = "/" }];
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal);
        document.Components.SecuritySchemes[BearerName] = new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            Description = "A key of 'coser serve keys add'. None is needed on a server that has no keys.",
        };
        document.Security =
        [
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(BearerName, document)] = [] },
        ];
        return Task.CompletedTask;
    }

    // The forms are read as they come, so that no parameter describes them.
    private static Task FormAsync(
        OpenApiOperation operation,
        OpenApiOperationTransformerContext context,
        CancellationToken cancel
    )
    {
        switch (operation.OperationId)
        {
            case SubmitEndpoint.Name:
                operation.RequestBody = new OpenApiRequestBody
                {
                    Required = true,
                    Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
                    {
                        ["multipart/form-data"] = new()
                        {
                            Schema = Schema(
                                ("photo", Binary("The photo, with its name.")),
                                ("reference", Binary("The user's own reference photo.")),
                                ("from", Text("A job whose photo is restored once more, in place of a photo.")),
                                ("options", Text("Options as JSON, as in the members of a job's `options`."))
                            ),
                        },
                        ["application/json"] = new()
                        {
                            Schema = Schema(
                                ("path", Text("A photo below the server's allowed folder.")),
                                ("from", Text("A job whose photo is restored once more.")),
                                (
                                    "options",
                                    new OpenApiSchema
                                    {
                                        Type = JsonSchemaType.Object,
                                        Description = "As in the members of a job's `options`.",
                                    }
                                )
                            ),
                        },
                    },
                };
                operation.Parameters ??= [];
                operation.Parameters.Add(
                    new OpenApiParameter
                    {
                        Name = "Idempotency-Key",
                        In = ParameterLocation.Header,
                        Description = "1 to 200 visible ASCII characters of the caller's choice.",
                        Schema = new OpenApiSchema { Type = JsonSchemaType.String },
                    }
                );
                break;
            case "signIn":
                operation.RequestBody = new OpenApiRequestBody
                {
                    Required = true,
                    Content = new Dictionary<string, OpenApiMediaType>(StringComparer.Ordinal)
                    {
                        ["application/json"] = new() { Schema = Schema(("key", Text("The key."))) },
                    },
                };
                break;
        }
        return Task.CompletedTask;
    }

    private static OpenApiSchema Schema(params (string Name, OpenApiSchema Schema)[] members) =>
        new()
        {
            Type = JsonSchemaType.Object,
            Properties = members.ToDictionary(m => m.Name, m => (IOpenApiSchema)m.Schema),
        };

    private static OpenApiSchema Text(string description) =>
        new() { Type = JsonSchemaType.String, Description = description };

    private static OpenApiSchema Binary(string description) =>
        new()
        {
            Type = JsonSchemaType.String,
            Format = "binary",
            Description = description,
        };
}
