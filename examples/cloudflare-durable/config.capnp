using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),
    (name = "disk", disk = (path = "storage", writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8787", http = (), service = "main")],
);

const main :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "out/worker.js"),
    (name = "./alone.wasm", wasm = embed "out/alone.wasm"),
    (name = "./whole.wasm", wasm = embed "out/whole.wasm"),
  ],
  compatibilityDate = "2026-11-01",
  bindings = [(name = "BUDGET", durableObjectNamespace = "Budget")],
  durableObjectNamespaces = [(className = "Budget", uniqueKey = "budget", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),
);
