//! Small crates in temporary folders: what moves a fingerprint, and what does not.

mod cost;
mod edits;
mod effects;
mod graph;
mod items;
mod narrow;
mod params;
mod parts;
mod sandbox;
