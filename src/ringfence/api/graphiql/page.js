"use strict";

(async () => {
  const KEY = "ringfence:key";
  const field = document.getElementById("key");
  const state = document.getElementById("state");
  // The key and the queries are forgotten with the tab.
  const storage = window.sessionStorage;
  field.value = storage.getItem(KEY) ?? "";

  const refusal = (message) => ({ errors: [{ message }] });

  const ask = async (parameters) => {
    if (!field.value) {
      state.textContent = "needs a key";
      return refusal("Paste a key above; `ringfence keys create` makes one.");
    }
    let response;
    try {
      response = await fetch(window.location.pathname, {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${field.value}` },
        body: JSON.stringify({
          query: parameters.query,
          variables: parameters.variables ?? undefined,
          operationName: parameters.operationName ?? undefined,
        }),
      });
    } catch {
      state.textContent = "no answer";
      return refusal("The server does not answer.");
    }
    state.textContent = response.status === 401 ? "key refused" : "key accepted";
    try {
      return await response.json();
    } catch {
      return refusal(`The server answered ${response.status}.`);
    }
  };

  const examples = await (await fetch("graphiql/examples.json")).json();
  const root = ReactDOM.createRoot(document.getElementById("graphiql"));
  // Another function, so that the schema is asked for again.
  const show = () =>
    root.render(
      React.createElement(GraphiQL, {
        fetcher: (parameters) => ask(parameters),
        defaultTabs: examples,
        defaultEditorToolsVisibility: "variables",
        shouldPersistHeaders: false,
        isHeadersEditorEnabled: false,
        storage,
      }),
    );

  field.addEventListener("change", () => {
    field.value = field.value.trim();
    storage.setItem(KEY, field.value);
    show();
  });
  show();
})();
