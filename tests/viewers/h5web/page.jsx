// h5web as an application shows it: a file opens on its default plot.

import { App } from "@h5web/app";
import { H5WasmBufferProvider } from "@h5web/h5wasm";
import { createRoot } from "react-dom/client";

import "@h5web/app/styles.css";

window.show = async (filename) => {
  const buffer = await (await fetch(`/files/${filename}`)).arrayBuffer();
  createRoot(document.getElementById("root")).render(
    <H5WasmBufferProvider filename={filename} buffer={buffer}>
      <App sidebarOpen={false} />
    </H5WasmBufferProvider>,
  );
};
