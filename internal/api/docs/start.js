// Shows /openapi.json. What is tried out here goes to this host alone.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  filter: true,
  syntaxHighlight: true,
  validatorUrl: null,
  withCredentials: false,
});
