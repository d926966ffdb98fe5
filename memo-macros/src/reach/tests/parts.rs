//! The parts of following code, each by itself.
