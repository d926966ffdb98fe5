//! Experiments: plans, runs, aggregates.

mod aggregates;
mod branches;
mod check;
mod choosing;
mod elsewhere;
mod failures;
mod forced_values;
mod graphs;
mod in_memory;
mod many;
mod memory;
mod plans;

mod resources;
mod scheduling;
mod shapes;
mod sharing;
mod wiring;
