//! A stage: what is true after checking. Defaults are filled in, so that no generator has to guess.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};
use syn::{Expr, LitStr, Type};

use crate::reach::CodeItem;
use crate::reads::FieldPath;

/// Which of the two attributes a function has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Stage,
    Aggregate,
}

impl Kind {
    /// Returns the name of the attribute.
    pub fn attribute(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Aggregate => "aggregate",
        }
    }

    /// Returns what such a function is called in a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Stage => "a stage",
            Self::Aggregate => "an aggregate",
        }
    }
}

/// A checked stage or aggregate.
pub struct Stage {
    pub kind: Kind,
    /// The path of the runtime, `::memo_runtime` unless it is re-exported elsewhere.
    pub runtime: TokenStream,
    /// The type that `body` and `named` hang on.
    pub companion: Ident,
    /// What each parameter of the function stands for, in order.
    pub roles: Vec<Role>,
    /// The type that the record must provide: that of `params`, or the second one of `Across<_,
    /// P>`.
    pub provided: Option<Type>,
    pub inputs: Vec<Input>,
    pub arguments: Vec<Argument>,
    pub outputs: Vec<Output>,
    /// Whether the function returns a `Result`.
    pub fallible: bool,
    /// The returned type where only rustc can tell that it is no other name of `Result`.
    pub alias: Option<Type>,
    pub validator: Option<Validator>,
    pub retry_if: Option<Expr>,
    pub key: Key,
    pub spec: Spec,
}

impl Stage {
    /// Returns whether the function takes the params of its record.
    pub fn takes_params(&self) -> bool {
        self.roles.iter().any(|role| matches!(role, Role::Params))
    }

    /// Returns whether the body runs once for each element of an array.
    pub fn is_array(&self) -> bool {
        self.spec.each
    }

    /// Returns the module that generated code calls.
    pub fn rt(&self) -> TokenStream {
        let runtime = &self.runtime;
        hygienic!(#runtime::__private)
    }
}

/// What a parameter stands for.
#[derive(Clone, Copy)]
pub enum Role {
    /// The params of the record.
    Params,
    /// The `ctx` that reports and logs go to.
    Context,
    /// The index of the element, in an array stage.
    Index,
    /// An input, by its place in `inputs`.
    Input(usize),
    /// A call argument, by its place in `arguments`.
    Argument(usize),
}

/// A parameter that the record's state fills.
pub struct Input {
    /// Its name in the state.
    pub state: String,
    pub parameter: Ident,
    /// The type of the value in the state: `Vec<T>` for a parameter of type `&[T]`. Of an element and of
    /// shards it is the type of one.
    pub value: TokenStream,
    pub form: InputForm,
}

impl Input {
    /// Returns whether the state may lack it.
    pub fn is_optional(&self) -> bool {
        use InputForm::{AcrossOptional, OptionalLazy, OptionalLent};
        matches!(self.form, OptionalLent(_) | OptionalLazy | AcrossOptional(_))
    }

    /// Returns whether each call of the body takes one element of it.
    pub fn is_element(&self) -> bool {
        matches!(self.form, InputForm::ElementLent | InputForm::ElementCloned)
    }

    /// Returns whether the body decides if it is loaded.
    pub fn is_lazy(&self) -> bool {
        matches!(self.form, InputForm::Lazy | InputForm::OptionalLazy)
    }
}

/// How the body takes an input.
pub enum InputForm {
    /// `&T`.
    Lent,
    /// `T`.
    Cloned,
    /// `Lazy<T>`.
    Lazy,
    /// `Option<&T>`, with the `T` as written.
    OptionalLent(Box<Type>),
    /// `Option<Lazy<T>>`.
    OptionalLazy,
    /// `&T`, an element of an array.
    ElementLent,
    /// `T`, an element of an array.
    ElementCloned,
    /// `&Shards<T>`.
    ShardsLent,
    /// `Shards<T>`.
    Shards,
    /// `Across<T>` or `Across<T, P>`, with the `P`.
    Across(Option<TokenStream>),
    /// `Across<Option<T>>` or `Across<Option<T>, P>`, with the `P`.
    AcrossOptional(Option<TokenStream>),
}

/// A parameter that the caller fills.
pub struct Argument {
    pub name: Ident,
    pub ty: Type,
    /// The `T` of a parameter of type `&T`; nothing for one taken by value.
    pub lent: Option<Type>,
}

/// A returned value.
pub struct Output {
    pub name: String,
    pub lazy: bool,
    pub ty: Type,
    pub cacher: Cacher,
}

/// What writes an output.
pub enum Cacher {
    /// Nothing: the value lives in memory.
    Memory,
    /// The one of a lazy output without a cacher.
    Default,
    Given(Box<Expr>),
}

/// The check of the outputs, under the name that manifests know it by.
pub struct Validator {
    pub name: String,
    /// The fingerprint of its code; nothing where that does not decide all that it says.
    pub code: Option<u128>,
    pub function: Expr,
}

/// What enters the key beside inputs and code.
pub struct Key {
    pub parts: Vec<Part>,
    /// The skipped and the secret fields of params: naming them in the expansion lets rustc find
    /// misspelt ones, read or not.
    pub hidden: Vec<FieldPath>,
}

/// One component of the key.
pub enum Part {
    /// A field of params without what lies in it under `masks`.
    Param {
        field: FieldPath,
        masks: Vec<String>,
    },
    /// A call argument, by its place in `arguments`.
    Argument(usize),
    SecretParam(FieldPath),
    SecretArgument(usize),
    /// The value of `key = f`.
    Projection {
        function: TokenStream,
        takes: Vec<Source>,
    },
}

/// What a key function can take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Params,
    /// A call argument, by its place in `arguments`.
    Argument(usize),
}

/// What is known about the stage before any call.
pub struct Spec {
    /// The name given, or the function's own, which its module path precedes.
    pub name: Name,
    /// The fingerprint; nothing for `code = manual`.
    pub code: Option<u128>,
    /// What the fingerprint is made of beside the function itself.
    pub reach: Vec<CodeItem>,
    /// What the fingerprint does not see.
    pub unseen: Vec<String>,
    /// What is read behind the key's back.
    pub behind: Vec<String>,
    pub version: Option<String>,
    pub env: Vec<LitStr>,
    /// What the stage says of caching, if anything: its word beats the experiment's.
    pub cache: Option<bool>,
    /// Whether it always runs, though its outputs are compared with what is kept.
    pub rerun: bool,
    /// For how long a kept entry is served.
    pub expires: Option<Duration>,
    /// Names that the stage had before, as they were written.
    pub was: Vec<LitStr>,
    pub done: bool,
    pub retries: u32,
    /// What it takes of the machine while it runs. It enters no key.
    pub resources: Option<super::options::Resources>,
    /// What it is given after that was too little. It enters no key.
    pub more: Option<super::options::MoreResources>,
    /// Whether the body runs once for each element of an array.
    pub each: bool,
    /// How many shards make a task of an executor. It enters no key.
    pub batch: Option<u32>,
}

/// The identity of a stage.
pub enum Name {
    Given(LitStr),
    Function(String),
}
