// Nothing: the floor of an import.
export {};
