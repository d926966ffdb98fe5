//! The fields of params that functions read which a stage hands them to.
//!
//! A function is followed if its path or the type of the value leaves no doubt which one it is:
//! one free function, or one function of an inherent `impl`, without `cfg`, generic parameters or
//! attributes that could rewrite it. In it the same holds again. Wherever there is doubt, all of
//! what was handed on counts as read; and never is a field named that the stage cannot see.

use std::collections::BTreeSet;
use std::path::Path as FilePath;
use std::rc::Rc;

use proc_macro2::LineColumn;
use quote::quote;
use syn::ext::IdentExt;
use syn::{Attribute, FnArg, Pat, ReceiverKind, Signature, Type};

use super::body::Body;
use super::shape::{Shape, is_visible, struct_named, struct_of, written_by_macro};
use super::source::{Sources, are_inert};
use crate::reach::items::Kind;
use crate::reach::link::Linked;
use crate::reach::quick::Set;
use crate::reach::resolve::In;
use crate::reach::scan::Path;
use crate::reach::tree::{ItemId, ModuleId};
use crate::reads::{FieldPath, Site, Through, Uses, member_text, uses};

/// What a stage hands on.
pub struct Handed {
    /// The name of the stage.
    pub stage: String,
    /// The type of its params.
    pub ty: Path,
    /// The tokens of its signature and body.
    pub body: Body,
    /// Where something is handed on.
    pub sites: Vec<HandedAt>,
}

/// A place of a function where a value is handed on.
#[derive(Clone)]
pub struct HandedAt {
    /// The field that is handed on.
    pub at: Fields,
    pub to: Through,
    pub call: LineColumn,
}

/// Where the places of a stage lead.
#[derive(Default)]
pub struct Led {
    /// The fields that are read behind each of them.
    pub fields: Vec<BTreeSet<Fields>>,
    /// All calls on the way.
    pub steps: Vec<Step>,
}

/// A call that hands params on, and of which all is known that the function does with them.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The function that calls; the stage itself if it is none.
    pub caller: Option<ItemId>,
    pub call: LineColumn,
    pub callee: ItemId,
    /// The place of the parameter.
    pub argument: usize,
    /// The field that is handed on, and the method.
    pub method: Option<String>,
}

/// A field by the names on the way.
type Fields = Vec<String>;

/// How many functions one place may lead to.
const MOST: usize = 200;

/// Returns the fields that each place leads to, of a stage at a line of a file.
pub fn through(
    linked: &Linked,
    sources: &Sources,
    file: &FilePath,
    line: usize,
    handed: &Handed,
) -> Option<Led> {
    let module = linked.world.module_at(file, line)?;
    // Inside of another function, or written by a macro, names may mean something else.
    let item = linked.world.item_at(module, line)?;
    let is_itself = linked.world.items[item].name == handed.stage;
    let ty = struct_named(linked, module, &handed.ty).filter(|_| is_itself)?;
    let place = Place { module, function: None, own: None, body: &handed.body };
    let mut led = Led::default();
    for site in &handed.sites {
        let mut walk = Walk {
            linked,
            sources,
            from: module,
            seen: Set::default(),
            found: BTreeSet::new(),
            steps: Vec::new(),
        };
        if walk.site(&place, &[], ty, site).is_none() {
            walk.found.insert(site.at.clone());
        }
        led.fields.push(walk.found);
        led.steps.extend(walk.steps);
    }
    Some(led)
}

/// Where names stand.
struct Place<'a> {
    module: ModuleId,
    /// The function; nothing for the stage.
    function: Option<ItemId>,
    /// What `Self` is.
    own: Option<ItemId>,
    body: &'a Body,
}

/// A function that gets a value.
struct Callee {
    id: ItemId,
    sig: Signature,
    block: syn::Block,
    own: Option<ItemId>,
}

/// One place of a stage, followed to its ends.
struct Walk<'a> {
    linked: &'a Linked,
    sources: &'a Sources,
    /// The module of the stage.
    from: ModuleId,
    seen: Set<(ItemId, usize, Fields)>,
    found: BTreeSet<Fields>,
    steps: Vec<Step>,
}

impl Walk<'_> {
    /// Follows a field `at` of a value of type `ty`, which is params' field `base`.
    fn site(&mut self, place: &Place, base: &[String], ty: ItemId, site: &HandedAt) -> Option<()> {
        let HandedAt { at, to, call } = site;
        let ty = at.iter().try_fold(ty, |ty, name| self.shape(ty)?.field(name)?.ty)?;
        let base = [base, at.as_slice()].concat();
        let (callee, argument) = match to {
            Through::Method(name) => (self.method(place.module, ty, name, at.is_empty())?, 0),
            Through::Call(path, argument) => (self.function(place, path)?, *argument),
        };
        let name = self.parameter(&callee, argument, ty)?;
        if self.seen.len() >= MOST {
            return None;
        }
        let method = match to {
            Through::Method(name) => Some([&base, &[name.clone()][..]].concat().join(".")),
            Through::Call(..) => None,
        };
        let (caller, call) = (place.function, *call);
        self.steps.push(Step { caller, call, callee: callee.id, argument, method });
        if self.seen.insert((callee.id, argument, base.clone())) {
            self.callee(&callee, &name, &base, ty);
        }
        Some(())
    }

    /// Gathers what a function does with its parameter.
    fn callee(&mut self, callee: &Callee, name: &str, base: &[String], ty: ItemId) {
        let (sig, block) = (&callee.sig, &callee.block);
        let Uses { fields, sites, macros } = uses(name, quote!(#block));
        let body = Body::of(sig, quote!(#block));
        let module = self.linked.world.items[callee.id].module;
        if self.linked.defines_any(module, &macros) {
            return self.read(base, ty, &[]);
        }
        let place = Place { module, function: Some(callee.id), own: callee.own, body: &body };
        for field in &fields {
            self.read(base, ty, &names(field));
        }
        for site in &sites {
            let site = HandedAt::of(site);
            if self.site(&place, base, ty, &site).is_none() {
                self.read(base, ty, &site.at);
            }
        }
    }

    /// Notes a field as far as the stage can name it.
    fn read(&mut self, base: &[String], ty: ItemId, fields: &[String]) {
        let mut path = base.to_vec();
        let mut ty = Some(ty);
        for name in fields {
            let Some(shape) = ty.and_then(|ty| self.shape(ty)) else { break };
            let Some(field) = shape.field(name) else { break };
            path.push(name.clone());
            ty = field.ty;
        }
        self.found.insert(path);
    }

    fn shape(&self, ty: ItemId) -> Option<Rc<Shape>> {
        self.sources.shape(self.linked, ty, self.from)
    }

    /// Finds the function that a path means without doubt.
    fn function(&self, place: &Place, path: &Path) -> Option<Callee> {
        if !place.body.leaves_alone(path, self.linked, place.module) {
            return None;
        }
        if let [own, name] = path.as_slice()
            && own == "Self"
        {
            return self.member(place.module, place.own?, name);
        }
        let found = self.linked.resolver().path(place.module, path, In::Code);
        let clear = found.crates.is_empty() && !found.is_std && found.cfgs.is_empty();
        let mut items = found.items.iter();
        let id = *items.next()?;
        if !clear || items.next().is_some() || written_by_macro(self.linked, path) {
            return None;
        }
        let name = path.last()?;
        match &self.linked.world.items[id].kind {
            Kind::Struct if found.called.iter().eq([name]) => self.member(place.module, id, name),
            Kind::Plain if found.called.is_empty() => {
                let function = self.sources.function(&self.linked.world, id)?;
                let is_plain = self.is_plain(id, &function.attrs, &function.sig);
                let (sig, block) = (function.sig, *function.block);
                is_plain.then_some(Callee { id, sig, block, own: None })
            }
            _ => None,
        }
    }

    /// Finds the method that a call means without doubt.
    ///
    /// On `&P` a function of an inherent `impl` that takes `&self` comes before all others. On a
    /// field of type `P` one of a trait that takes `self` would come before it, if `P` is `Copy`.
    fn method(&self, from: ModuleId, ty: ItemId, name: &str, is_reference: bool) -> Option<Callee> {
        let names = &self.linked.world.items[ty].names();
        let is_copy =
            self.linked.told().has_copy || names.hints.iter().flatten().any(|hint| hint == "Copy");
        if is_copy && !is_reference {
            return None;
        }
        let callee = self.member(from, ty, name)?;
        callee.sig.receiver().is_some().then_some(callee)
    }

    /// Finds the one function of that name of a type.
    fn member(&self, from: ModuleId, ty: ItemId, name: &str) -> Option<Callee> {
        let world = &self.linked.world;
        let is_named = |id: &&ItemId| match &world.items[**id].kind {
            Kind::Member { name: Some(found), .. } => found == name,
            _ => false,
        };
        let mut named = self.linked.members.get(&ty)?.iter().filter(is_named);
        let id = *named.next().filter(|_| named.next().is_none())?;
        let (around, function) = self.sources.method(world, id)?;
        let home = world.items[id].module;
        let is_whole_type = struct_of(self.linked, home, &around.self_ty) == Some(ty);
        let is_simple = around.generics.params.is_empty() && are_inert(&around.attrs);
        let is_there = is_visible(self.linked, &function.vis, home, from)
            && self.is_plain(id, &function.attrs, &function.sig);
        let callee = Callee { id, sig: function.sig, block: function.block, own: Some(ty) };
        (is_whole_type && is_simple && is_there).then_some(callee)
    }

    /// Whether a function is always there, and is what its tokens say.
    fn is_plain(&self, id: ItemId, attrs: &[Attribute], sig: &Signature) -> bool {
        let item = &self.linked.world.items[id];
        let module = &self.linked.world.modules[item.module];
        let cfgs = item.names().cfgs.is_empty() && module.cfgs.is_empty();
        let generics = sig.generics.params.iter();
        let mut generics = generics.filter(|p| !matches!(p, syn::GenericParam::Lifetime(_)));
        cfgs && are_inert(attrs) && generics.next().is_none() && sig.variadic.is_none()
    }

    /// Returns the name of a parameter that takes a reference to a type.
    fn parameter(&self, callee: &Callee, at: usize, ty: ItemId) -> Option<String> {
        match callee.sig.inputs.iter().nth(at)? {
            FnArg::Receiver(receiver) => {
                let is_lent =
                    matches!(receiver.kind, ReceiverKind::Reference(_, _, None)) && at == 0;
                let is_own = callee.own == Some(ty) && receiver.attrs.is_empty();
                (is_lent && is_own).then(|| "self".to_owned())
            }
            FnArg::Typed(parameter) => {
                let Type::Reference(reference) = &*parameter.ty else { return None };
                let Pat::Ident(pattern) = &*parameter.pat else { return None };
                let home = self.linked.world.items[callee.id].module;
                let of = match &*reference.elem {
                    Type::Path(path) if path.path.is_ident("Self") => callee.own,
                    elem => struct_of(self.linked, home, elem),
                };
                let is_plain = pattern.by_ref.is_none()
                    && pattern.mutability.is_none()
                    && pattern.subpat.is_none()
                    && parameter.attrs.is_empty()
                    && reference.mutability.is_none();
                let name = pattern.ident.to_string();
                (is_plain && of == Some(ty) && pattern.ident.unraw() == name.as_str())
                    .then_some(name)
            }
        }
    }
}

impl HandedAt {
    /// Takes a place as the walk over a body found it.
    pub fn of(site: &Site) -> Self {
        Self { at: names(&site.at), to: site.to.clone(), call: site.call }
    }
}

fn names(field: &FieldPath) -> Fields {
    field.0.iter().map(member_text).collect()
}
