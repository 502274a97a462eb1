// As a worker or a shared worker: it serves nothing.
