//! tocsin, the program: configuration, wiring, command line.
