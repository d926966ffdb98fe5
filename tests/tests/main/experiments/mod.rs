//! Experiments: plans, runs, aggregates.

mod aggregates;
mod choosing;
mod failures;
mod forced_values;
mod plans;
mod shapes;
mod sharing;
mod wiring;
