//! The command line of an experiment binary.
