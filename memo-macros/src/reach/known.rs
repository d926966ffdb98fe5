//! Names that lead out of the workspace without an import: std and what its prelude brings.

/// Returns whether a name that leads a path is one of the language or of std.
pub fn is_known(name: &str) -> bool {
    CRATES.contains(&name)
        || PRIMITIVES.contains(&name)
        || PRELUDE.contains(&name)
        || TOOLS.contains(&name)
        || MEMO.contains(&name)
}

/// Returns whether a name is a type of the language.
pub fn is_primitive(name: &str) -> bool {
    PRIMITIVES.contains(&name)
}

/// Returns whether a name is a crate of std.
pub fn is_std(name: &str) -> bool {
    CRATES.contains(&name)
}

const CRATES: &[&str] = &["std", "core", "alloc", "proc_macro", "test"];

const TOOLS: &[&str] = &["Self", "clippy", "rustfmt", "miri", "diagnostic"];

const PRIMITIVES: &[&str] = &[
    "bool", "char", "str", "f16", "f32", "f64", "f128", "i8", "i16", "i32", "i64", "i128", "isize",
    "u8", "u16", "u32", "u64", "u128", "usize",
];

const PRELUDE: &[&str] = &[
    "AsMut",
    "AsRef",
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "Err",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Hash",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Result",
    "Send",
    "Sized",
    "Some",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Unpin",
    "Vec",
];

/// The prelude of `memo` itself, which counts by the version of its store.
const MEMO: &[&str] = &[
    "Across",
    "Artifact",
    "Bincode",
    "Bytes",
    "Cacheable",
    "Context",
    "Copied",
    "Csv",
    "Experiment",
    "Format",
    "InputDir",
    "InputFile",
    "Json",
    "Lazy",
    "Provides",
    "Record",
    "Referenced",
    "RunOptions",
    "Store",
    "Text",
];
