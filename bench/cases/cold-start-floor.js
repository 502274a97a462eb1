// An empty module: the floor of an import.
export {};
