//! A workspace in a temporary folder, and the stages in it.

use std::fs;
use std::path::Path;

use quote::ToTokens;
use tempfile::TempDir;

use crate::fingerprint::fingerprint;
use crate::reach::crate_root::CommandLine;
use crate::reach::link::Linked;
use crate::reach::params::{Sources, through};
use crate::reach::tree::World;
use crate::reach::{Body, Handed, HandedAt, Mistake, ParamsRead, Reach, Request, follow};

/// A workspace of files.
pub struct Sandbox {
    pub folder: TempDir,
    /// What rustc would be told beside the root file.
    pub arguments: Vec<String>,
}

impl Sandbox {
    /// Writes files, each given as a path and its text.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        for (path, text) in files {
            write(folder.path(), path, text);
        }
        Self { folder, arguments: Vec::new() }
    }

    /// Replaces a text that must be there, or a whole file if it is empty.
    pub fn edit(&self, path: &str, old: &str, new: &str) {
        let file = self.folder.path().join(path);
        let text = fs::read_to_string(&file).unwrap_or_default();
        assert!(text.contains(old), "{path} has no {old:?}");
        let text = if old.is_empty() { new.to_owned() } else { text.replace(old, new) };
        write(self.folder.path(), path, &text);
    }

    /// Parses and links the crate whose root is `src/lib.rs`.
    pub fn linked(&self) -> Linked {
        let arguments = ["rustc", "--crate-name", "demo"].map(str::to_owned);
        let arguments = arguments.into_iter().chain(self.arguments.iter().cloned());
        let line = CommandLine::read(arguments).unwrap();
        let root = self.folder.path().join("src/lib.rs");
        Linked::new(World::load(&root, self.folder.path()), line.cfgs)
    }

    /// Follows the stage `fit` of `src/lib.rs`.
    pub fn reach(&self) -> Reach {
        self.reach_with(|_| {}).unwrap()
    }

    /// Follows `fit` after a change of what its attribute says.
    pub fn reach_with(&self, change: impl FnOnce(&mut Request)) -> Result<Reach, Vec<Mistake>> {
        let file = self.folder.path().join("src/lib.rs");
        let text = fs::read_to_string(&file).unwrap();
        let function = find(&text);
        let line = function.sig.ident.span().start().line;
        let mut sig = function.sig.clone();
        let own = fingerprint([sig.to_token_stream(), function.block.to_token_stream()]);
        let is_whole = |read: &ParamsRead| read.fields.iter().any(Vec::is_empty);
        let params = self.read(&function).filter(|read| !is_whole(read));
        if let (Some(_), Some(syn::FnArg::Typed(first))) = (&params, sig.inputs.first_mut()) {
            *first.ty = syn::Type::Verbatim(quote::quote!(_));
        }
        let (attrs, block) = (&function.attrs[1..], &function.block);
        let mut request = Request {
            name: "fit".to_owned(),
            own,
            code: quote::quote!(#(#attrs)* #sig #block),
            params,
            ..Request::default()
        };
        change(&mut request);
        follow(&self.linked(), &file, line, &request)
    }

    /// The fields of params that `fit` reads, also through what it hands params to; `*` is the
    /// whole value.
    pub fn fields(&self) -> String {
        let text = fs::read_to_string(self.folder.path().join("src/lib.rs")).unwrap();
        let function = find(&text);
        let read = self.read(&function).expect("a parameter `params`");
        let shown = |fields: &Vec<String>| match fields.join(".").as_str() {
            "" => "*".to_owned(),
            text => text.to_owned(),
        };
        let shown: std::collections::BTreeSet<String> = read.fields.iter().map(shown).collect();
        shown.into_iter().collect::<Vec<_>>().join(" ")
    }

    /// The fields that are read of a first parameter `params`, as the attribute finds them.
    fn read(&self, function: &syn::ItemFn) -> Option<ParamsRead> {
        let Some(syn::FnArg::Typed(first)) = function.sig.inputs.first() else { return None };
        if first.pat.to_token_stream().to_string() != "params" {
            return None;
        }
        let ty = first.ty.to_token_stream().to_string().replace(['&', ' '], "");
        let ty: Vec<String> = ty.split("::").map(str::to_owned).collect();
        let (sig, block) = (&function.sig, &function.block);
        let uses = crate::reads::uses("params", block.to_token_stream());
        let handed = Handed {
            stage: "fit".to_owned(),
            ty: ty.clone(),
            body: Body::of(sig, quote::quote!(#block)),
            sites: uses.sites.iter().map(HandedAt::of).collect(),
        };
        let file = self.folder.path().join("src/lib.rs");
        let line = sig.ident.span().start().line;
        let led = through(&self.linked(), &Sources::default(), &file, line, &handed);
        let (behind, steps) = match led {
            Some(led) => (led.fields.into_iter().flatten().collect::<Vec<_>>(), led.steps),
            None => (handed.sites.iter().map(|site| site.at.clone()).collect(), Vec::new()),
        };
        let names = |field: &crate::reads::FieldPath| -> Vec<String> {
            field.0.iter().map(crate::reads::member_text).collect()
        };
        let all: Vec<Vec<String>> = uses.fields.iter().map(names).chain(behind).collect();
        let inner = |field: &Vec<String>| {
            all.iter().any(|other| other.len() < field.len() && field.starts_with(other))
        };
        let fields = all.iter().filter(|field| !inner(field)).cloned().collect();
        Some(ParamsRead { ty, fields, steps })
    }

    /// The names of all that `fit` reaches.
    pub fn names(&self) -> Vec<String> {
        self.reach().items.into_iter().map(|item| item.name).collect()
    }
}

fn write(folder: &Path, path: &str, text: &str) {
    let file = folder.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

fn find(text: &str) -> syn::ItemFn {
    let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut functions = file.items.into_iter().filter_map(|item| match item {
        syn::Item::Fn(function) => Some(function),
        _ => None,
    });
    functions.find(|function| function.sig.ident == "fit").expect("a stage `fit`")
}
