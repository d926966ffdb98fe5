//! What is known of a type: a tree of nodes, one for each place in it.

use std::any::TypeId;
use std::cell::{Cell, Ref, RefCell};

/// The number of a node.
pub(super) type Id = usize;

/// How many parts of a tuple have a node of their own. Longer ones are arrays.
pub(super) const MOST_PARTS: usize = 64;

/// The first parts of a map are key and value; the rest are fields.
pub(super) const ENTRY: usize = 2;

/// What is known of a type.
pub(super) struct Tree {
    nodes: RefCell<Vec<Node>>,
    /// Grows with all that is learnt.
    progress: Cell<usize>,
    /// Grows with each place that led nowhere.
    stuck: Cell<usize>,
    /// Whether this pass failed for want of a value that a later one may be able to make.
    pub(super) blocked: Cell<bool>,
    /// Steps left, for all passes.
    steps: Cell<usize>,
}

/// A place in a type.
#[derive(Default)]
pub(super) struct Node {
    pub(super) shape: Shape,
    pub(super) name: &'static str,
    /// The parts: fields, variants, elements. They are named in structs and enums.
    pub(super) parts: Vec<(&'static str, Id)>,
    parent: Option<Id>,
    depth: usize,
    /// The visitor that asked.
    identity: Option<TypeId>,
    /// When a value was first made.
    pub(super) made: Option<usize>,
    /// No value can be made.
    pub(super) refused: bool,
    /// The progress at which coming here led nowhere.
    stuck: Option<usize>,
    /// Visited before other fields.
    goes_first: bool,
    /// Which of the made-up values is next.
    attempt: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Shape {
    /// Not seen yet.
    #[default]
    Unknown,
    /// A primitive type, and how many values can be tried.
    Leaf(&'static str, usize),
    /// A further name of a field.
    Alias,
    /// The type of another node.
    Same(Id),
    Unit,
    Option,
    Newtype,
    Sequence,
    /// Of this length.
    Tuple(usize),
    /// Key and value, and named fields where a struct is read as a map.
    Map,
    Struct,
    Enum,
}

impl Tree {
    pub(super) fn new(steps: usize) -> Self {
        Self {
            nodes: RefCell::new(vec![Node::default()]),
            progress: Cell::new(0),
            stuck: Cell::new(0),
            blocked: Cell::new(false),
            steps: Cell::new(steps),
        }
    }

    pub(super) const ROOT: Id = 0;
    const DEEPEST: usize = 96;

    /// Takes a step; `false` if there were enough of them.
    pub(super) fn step(&self) -> bool {
        let left = self.steps.get().checked_sub(1);
        self.steps.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Changes whenever something is learnt.
    pub(super) fn state(&self) -> (usize, usize) {
        (self.progress.get(), self.stuck.get())
    }

    fn learn(&self) {
        self.progress.set(self.progress.get() + 1);
    }

    pub(super) fn shape(&self, id: Id) -> Shape {
        self.nodes.borrow()[id].shape
    }

    pub(super) fn attempt(&self, id: Id) -> usize {
        self.nodes.borrow()[id].attempt
    }

    pub(super) fn is_made(&self, id: Id) -> bool {
        self.nodes.borrow()[id].made.is_some()
    }

    pub(super) fn is_refused(&self, id: Id) -> bool {
        self.nodes.borrow()[id].refused
    }

    pub(super) fn nodes(&self) -> Ref<'_, Vec<Node>> {
        self.nodes.borrow()
    }

    /// Returns the part of what has just one.
    pub(super) fn part(&self, id: Id) -> Id {
        self.nodes.borrow()[id].parts[0].1
    }

    pub(super) fn parts(&self, id: Id) -> Vec<(&'static str, Id)> {
        self.nodes.borrow()[id].parts.clone()
    }

    /// Writes down that `id` is asked for as `shape`, with these parts. What was asked for as something
    /// else before is not followed: returns `false`.
    pub(super) fn enter(
        &self,
        id: Id,
        shape: Shape,
        name: &'static str,
        identity: TypeId,
        parts: &[&'static str],
    ) -> bool {
        let known = self.shape(id);
        if known != Shape::Unknown {
            return known == shape || matches!(known, Shape::Same(_));
        }
        self.learn();
        if let Some(same) = self.same(id, shape, name, identity) {
            self.nodes.borrow_mut()[id].shape = Shape::Same(same);
            return true;
        }
        let mut nodes = self.nodes.borrow_mut();
        let depth = nodes[id].depth + 1;
        let first = nodes.len();
        let deep = depth > Self::DEEPEST && !parts.is_empty();
        let parts = if deep { &[] } else { parts };
        nodes.extend(parts.iter().map(|_| Node { parent: Some(id), depth, ..Node::default() }));
        let node = &mut nodes[id];
        node.shape = if deep { Shape::Leaf("…", 1) } else { shape };
        node.name = name;
        node.identity = Some(identity);
        node.parts = parts.iter().copied().zip(first..).collect();
        !deep
    }

    /// Finds a node of the same type: for what has a name anywhere, else around `id`.
    fn same(&self, id: Id, shape: Shape, name: &str, identity: TypeId) -> Option<Id> {
        let nodes = self.nodes.borrow();
        let is_same = |other: &Id| {
            let other = &nodes[*other];
            other.shape == shape && other.name == name && other.identity == Some(identity)
        };
        let has_parts = !matches!(shape, Shape::Leaf(..) | Shape::Unit);
        match name {
            _ if !has_parts => None,
            "" => std::iter::successors(nodes[id].parent, |id| nodes[*id].parent).find(is_same),
            _ => (0..nodes.len()).find(is_same),
        }
    }

    /// Adds a field that a struct read as a map misses.
    pub(super) fn add_part(&self, id: Id, name: &'static str) {
        let mut nodes = self.nodes.borrow_mut();
        let known = nodes[id].parts.iter().any(|(part, _)| *part == name);
        if !known && nodes[id].parts.len() < MOST_PARTS {
            let part = Node { parent: Some(id), depth: nodes[id].depth + 1, ..Node::default() };
            nodes.push(part);
            let part = nodes.len() - 1;
            nodes[id].parts.push((name, part));
            drop(nodes);
            self.learn();
        }
    }

    /// Writes down that a field of `id` was refused by its name: it is a further name of `original`.
    /// Where the original was given after its alias, the alias is found in the next pass.
    pub(super) fn refuse_field(&self, id: Id, field: Id, original: Option<&'static str>) {
        let mut nodes = self.nodes.borrow_mut();
        let is_original = |part: &(_, Id)| Some(part.0) == original && part.1 == field;
        if nodes[id].parts.iter().any(is_original) && !nodes[field].goes_first {
            nodes[field].goes_first = true;
        } else if nodes[field].shape != Shape::Alias {
            nodes[field].shape = Shape::Alias;
        } else {
            return;
        }
        self.learn();
    }

    /// Writes down how a visit of `id` ended that began at `before`.
    pub(super) fn left(&self, id: Id, before: usize, made: bool) {
        let progress = self.progress.get();
        let mut nodes = self.nodes.borrow_mut();
        let closed = are_parts_closed(&nodes, id);
        let node = &mut nodes[id];
        if made {
            if node.shape == Shape::Unknown {
                node.shape = Shape::Leaf("nothing", 1);
            }
            if node.made.is_none() {
                node.made = Some(progress);
                self.learn();
            }
        } else if progress == before {
            match node.shape {
                _ if self.blocked.get() => self.mark_stuck(node),
                Shape::Leaf(_, values) if node.attempt + 1 < values && !node.refused => {
                    node.attempt += 1;
                    self.learn();
                }
                _ if node.refused => {}
                _ if closed && node.shape != Shape::Unknown => self.mark_refused(node),
                _ => self.mark_stuck(node),
            }
        }
    }

    fn mark_refused(&self, node: &mut Node) {
        node.refused = true;
        self.learn();
    }

    fn mark_stuck(&self, node: &mut Node) {
        if node.stuck != Some(self.progress.get()) {
            node.stuck = Some(self.progress.get());
            self.stuck.set(self.stuck.get() + 1);
        }
    }

    /// Whether nothing more can be learnt at and below `id`.
    pub(super) fn is_closed(&self, id: Id) -> bool {
        let nodes = self.nodes.borrow();
        is_closed(&nodes, id)
    }

    /// Whether going to `id` may teach something now.
    pub(super) fn is_open(&self, id: Id) -> bool {
        let nodes = self.nodes.borrow();
        nodes[id].stuck != Some(self.progress.get()) && !is_closed(&nodes, id)
    }

    /// Returns the parts of a struct in the order to visit them: what may teach something, then what is
    /// known to succeed, and last what would end the visit.
    pub(super) fn fields_to_visit(&self, id: Id) -> Vec<(&'static str, Id)> {
        let mut parts = self.parts(id);
        if self.shape(id) == Shape::Map {
            parts.drain(..ENTRY);
        }
        parts.retain(|(_, part)| self.shape(*part) != Shape::Alias);
        parts.sort_by_key(|(_, part)| match () {
            () if self.nodes()[*part].goes_first => 0,
            () if self.is_open(*part) => 1,
            () if self.is_made(*part) => 2,
            () => 3,
        });
        parts
    }

    /// Returns key and value of a map, if an entry may teach something.
    pub(super) fn entry_to_visit(&self, id: Id) -> Option<(Id, Id)> {
        let nodes = self.nodes.borrow();
        let entry = nodes[id].parts.get(..ENTRY).filter(|_| nodes[id].shape == Shape::Map)?;
        let (key, value) = (entry[0].1, entry[1].1);
        let open = self.is_open(key) || self.is_open(value);
        (open && !nodes[key].refused).then_some((key, value))
    }

    /// Returns the variant to visit: one that may teach something, else the first that succeeded. Only
    /// the latter if a value must be made.
    pub(super) fn variant_to_visit(&self, id: Id, making: bool) -> Option<(&'static str, Id)> {
        let parts = self.parts(id);
        let open = parts.iter().find(|(_, part)| !making && self.is_open(*part));
        let nodes = self.nodes.borrow();
        let made = parts.iter().filter_map(|part| Some((nodes[part.1].made?, part))).min();
        open.or(made.map(|(_, part)| part)).or(parts.first().filter(|_| !making)).copied()
    }

    /// Returns the names and aliases of the fields, if this is a sequence of structs.
    pub(super) fn columns(&self) -> Option<(Vec<&'static str>, Vec<&'static str>)> {
        let nodes = self.nodes.borrow();
        let root = &nodes[Self::ROOT];
        let mut row = root.parts.first().filter(|_| root.shape == Shape::Sequence)?.1;
        while nodes[row].shape == Shape::Newtype {
            row = nodes[row].parts.first()?.1;
        }
        if nodes[row].shape != Shape::Struct {
            return None;
        }
        let (aliases, fields): (Vec<_>, Vec<_>) =
            nodes[row].parts.iter().partition(|(_, part)| nodes[*part].shape == Shape::Alias);
        let names =
            |parts: Vec<(&'static str, Id)>| parts.into_iter().map(|(name, _)| name).collect();
        Some((names(fields), names(aliases)))
    }
}

fn is_closed(nodes: &[Node], id: Id) -> bool {
    let node = &nodes[id];
    match node.shape {
        Shape::Unknown => false,
        Shape::Same(_) | Shape::Alias => true,
        _ => (node.made.is_some() || node.refused) && are_parts_closed(nodes, id),
    }
}

fn are_parts_closed(nodes: &[Node], id: Id) -> bool {
    let node = &nodes[id];
    let mut parts = node.parts.iter().map(|(_, part)| *part);
    match node.shape {
        // What is behind a part that cannot be made is never asked for.
        Shape::Tuple(_) => parts
            .find(|part| nodes[*part].refused || !is_closed(nodes, *part))
            .is_none_or(|part| nodes[part].refused),
        // Without a key, no value is asked for.
        Shape::Map if nodes[node.parts[0].1].refused => {
            parts.skip(ENTRY).all(|part| is_closed(nodes, part))
        }
        _ => parts.all(|part| is_closed(nodes, part)),
    }
}
