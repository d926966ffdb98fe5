//! Oddities that are accepted: each module opens with the bug that it guards against. They compile with
//! the tests, which is quicker than a crate for each, and inner attributes hold for modules as well.

mod arrays;
mod crate_under_another_name;
mod expressions_as_options;
mod forms_of_returned_types;
mod generics;
mod lifetimes;
mod names_of_the_expansion;
mod odd_params;
mod order_of_attributes;
mod raw_identifiers;
mod shadowed_prelude;
mod stage_from_a_macro;
mod stage_in_a_function;
mod stages_of_one_name;
mod strict_lints;
mod unicode_names;
mod unusual_arguments;
mod visibility;
mod without_a_prelude;
