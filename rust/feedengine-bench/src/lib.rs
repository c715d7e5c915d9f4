//! Nothing but a place for the benchmarks of the core: see `benches`.
