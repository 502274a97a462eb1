// As a worker or a shared worker: it throws before it serves.
throw new TypeError("no set today");
